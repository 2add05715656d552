import type { Counter, Logger, Metrics } from '@outrigger/core';
import type { Target } from './target.ts';

/** Characters that wait while a write is under way; as many may be under way. */
const MAX_WAITING = 1 << 20;

/**
 * Lines on their way to a target: what one turn of the event loop brings goes out in one write, and one write is under way at
 * a time. What a target that stands still has no room for is dropped and counted: nobody waits for a line.
 */
export class LineBuffer {
  readonly #target: Target;
  readonly #logger: Logger;
  readonly #full: Counter;
  readonly #failed: Counter;
  #waiting = '';
  #lines = 0;
  #writing = false;
  #scheduled = false;
  /** Whether it was told that lines are lost; until all have gone out again. */
  #told = false;
  #emptied: (() => void)[] = [];

  constructor(target: Target, logger: Logger, metrics: Metrics) {
    this.#target = target;
    this.#logger = logger;
    const dropped = metrics.counter('outrigger_access_log_lines_dropped_total', {
      doc: 'Lines of the access log that were lost: the buffer was full, or a write failed.',
      labels: ['reason'],
    });
    this.#full = dropped.with('full');
    this.#failed = dropped.with('failed');
  }

  /** `line` with its end. */
  add(line: string): void {
    if (this.#waiting.length + line.length > MAX_WAITING) {
      this.#full.add();
      this.#tell('nobody takes its lines');
      return;
    }
    this.#waiting += line;
    this.#lines++;
    if (this.#writing || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  /** Resolves when everything has gone out, or failed to. */
  empty(): Promise<void> {
    if (!this.#writing && this.#lines === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const text = this.#waiting;
    const lines = this.#lines;
    this.#waiting = '';
    this.#lines = 0;
    this.#writing = true;
    this.#target.write(text, (error) => this.#written(lines, error ?? undefined));
  };

  #written(lines: number, error: Error | undefined): void {
    this.#writing = false;
    if (error !== undefined) {
      this.#failed.add(lines);
      this.#tell(error.message);
    }
    if (this.#lines > 0) return this.#flush();
    if (error === undefined) this.#told = false;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #tell(why: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#logger.warn('lines of the access log are lost', { target: this.#target.name, why });
  }
}
