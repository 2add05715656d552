import { createHistogram, type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Milliseconds between two looks where the event loop is busy, as Node's own `monitorEventLoopDelay` may have it. */
const BUSY_MS = 20;

/** …and where it is not: each look wakes the process, and a machine may have hundreds of them. */
const IDLE_MS = 200;

/** The share of its time that a busy loop does something in. */
const BUSY = 0.05;

/** How late the event loop comes to a timer, which is what everything else in it waits for, too. */
export class LoopDelay {
  readonly #late = createHistogram();
  #timer: NodeJS.Timeout | undefined;
  #before: EventLoopUtilization = performance.eventLoopUtilization();

  start(): void {
    this.#lookIn(BUSY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** What `percent` of 100 looks since the last {@link reset} did not exceed; 100: the latest. 0 where there were none. */
  seconds(percent: number): number {
    return this.#late.count === 0 ? 0 : this.#late.percentile(percent) / 1e9;
  }

  reset(): void {
    this.#late.reset();
  }

  #lookIn(ms: number): void {
    const due = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.#late.record(Math.max(1, Math.round((performance.now() - due) * 1e6)));
      const until = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(until, this.#before);
      this.#before = until;
      this.#lookIn(utilization > BUSY ? BUSY_MS : IDLE_MS);
    }, ms).unref();
  }
}
