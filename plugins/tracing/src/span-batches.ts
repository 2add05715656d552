import type { EncodedSpan } from './span-store.ts';

/** A span has some 450 bytes; a batch is full where the average is above this, too. */
const BYTES_OF_A_SPAN = 1024;
/** The longest span fits: it tells of a head, which has 16 KiB, and of that twice at most. */
const MIN_BYTES = 256 * 1024;

/** Spans in the form in which they are sent. */
export interface SpanBatch {
  /** The `spans` of a ScopeSpans, one after the other, up to `length`. */
  readonly bytes: Buffer;
  length: number;
  count: number;
}

/** An empty batch of 256 KiB, or of `size` bytes where that is more. */
export function emptyBatch(size = 0): SpanBatch {
  return { bytes: Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, size)), length: 0, count: 0 };
}

/** Spans that wait for their export, in batches, oldest first. Their buffers are used again: in the long run nothing is allotted. */
export class SpanBatches {
  readonly #queueSize: number;
  readonly #batchSize: number;
  readonly #waiting: SpanBatch[] = [];
  readonly #spare: SpanBatch[] = [];
  #size = 0;

  /** At most `queueSize` spans wait, in batches of `batchSize`. */
  constructor(queueSize: number, batchSize: number) {
    this.#queueSize = queueSize;
    this.#batchSize = batchSize;
  }

  /** Spans that wait. */
  get size(): number {
    return this.#size;
  }

  /** Copies a span. False where the queue is full: it is not taken. */
  add(span: EncodedSpan): boolean {
    if (this.#size >= this.#queueSize) return false;
    let open = this.#waiting.at(-1);
    const length = span.to - span.from;
    if (open === undefined || open.count >= this.#batchSize || open.length + length > open.bytes.length) {
      open = this.#spare.pop() ?? emptyBatch(this.#batchSize * BYTES_OF_A_SPAN);
      this.#waiting.push(open);
    }
    span.bytes.copy(open.bytes, open.length, span.from, span.to);
    open.length += length;
    open.count++;
    this.#size++;
    return true;
  }

  /** Removes the oldest batch; {@link done} takes it back. */
  take(): SpanBatch | undefined {
    const batch = this.#waiting.shift();
    this.#size -= batch?.count ?? 0;
    return batch;
  }

  /** A batch that was taken has been exported, or is given up: nobody reads it any more. */
  done(batch: SpanBatch): void {
    batch.length = 0;
    batch.count = 0;
    this.#spare.push(batch);
  }
}
