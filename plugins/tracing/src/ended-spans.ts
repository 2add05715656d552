import { behindWrites, type Clock, type Logger, Timer } from '@outrigger/core';
import type { SpanRecord } from './span.ts';

/** So many are written together: where few sessions are traced, each alone would find nothing of what it takes in the processor's caches. */
const TOGETHER = 16;

/** …or what there is after so many milliseconds. */
const WAIT_MS = 100;

/** Spans that have ended, and are still to be written: at the end of a turn, when what its sessions had to send has gone out. */
export class EndedSpans extends Timer {
  readonly #writeSpan: (span: SpanRecord) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #writeAll = () => this.write();
  #spans: SpanRecord[] = [];

  constructor(writeSpan: (span: SpanRecord) => void, clock: Clock, logger: Logger) {
    super();
    this.#writeSpan = writeSpan;
    this.#clock = clock;
    this.#logger = logger;
  }

  add(span: SpanRecord): void {
    const count = this.#spans.push(span);
    if (count === 1) this.#clock.arm(this, WAIT_MS);
    else if (count === TOGETHER) behindWrites(this.#writeAll);
  }

  /** Writes what waits, now. Never throws: a span that cannot be written is told in the log, and lost. */
  write(): void {
    const spans = this.#spans;
    this.#spans = [];
    this.#clock.suspend(this);
    for (const span of spans) {
      try {
        this.#writeSpan(span);
      } catch (error) {
        this.#logger.error('a span could not be written', {
          plugin: 'tracing',
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      }
    }
  }

  expired(): void {
    behindWrites(this.#writeAll);
  }
}
