import { behindWrites, type Logger } from '@outrigger/core';
import type { SpanRecord } from './span.ts';

/** Spans that ended in this turn of the event loop. They are written at its end, when what the sessions had to send has gone out. */
export class EndedSpans {
  readonly #writeSpan: (span: SpanRecord) => void;
  readonly #logger: Logger;
  readonly #writeAll = () => this.write();
  #spans: SpanRecord[] = [];

  constructor(writeSpan: (span: SpanRecord) => void, logger: Logger) {
    this.#writeSpan = writeSpan;
    this.#logger = logger;
  }

  add(span: SpanRecord): void {
    if (this.#spans.push(span) === 1) behindWrites(this.#writeAll);
  }

  /** Writes what waits, now. Never throws: a span that cannot be written is told in the log, and lost. */
  write(): void {
    const spans = this.#spans;
    this.#spans = [];
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
}
