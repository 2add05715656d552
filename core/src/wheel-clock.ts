import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './clock.ts';
import { FunctionTimer, TICK_MS, Wheel } from './wheel.ts';

/** The clock that runs: one interval for all timers, only while there are any. It does not keep the process alive. */
export class WheelClock implements Clock {
  readonly #wheel: Wheel;
  #interval: NodeJS.Timeout | undefined;

  /** `failed` gets what a timer's `expired` threw. */
  constructor(failed: (error: unknown) => void) {
    this.#wheel = new Wheel(this.now(), failed);
  }

  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  arm(timer: Timer, ms: number): void {
    const now = this.now();
    // The wheel stood still while it was empty.
    if (this.#interval === undefined) this.#wheel.advance(now);
    this.#wheel.arm(timer, now + ms);
    if (this.#interval === undefined && this.#wheel.size > 0) this.#start();
  }

  disarm(timer: Timer): void {
    this.#wheel.disarm(timer);
  }

  after(ms: number, f: () => void): Disposable {
    const timer = new FunctionTimer(f);
    this.arm(timer, ms);
    return { [Symbol.dispose]: () => this.disarm(timer) };
  }

  #start(): void {
    this.#interval = setInterval(() => {
      this.#wheel.advance(this.now());
      if (this.#wheel.size > 0) return;
      clearInterval(this.#interval);
      this.#interval = undefined;
    }, TICK_MS).unref();
  }
}
