import type { SpanRecord } from './span.ts';
import { SpanWriter } from './span-writer.ts';

/** A span has some 450 bytes; a batch is full where the average is above this, too. */
const BYTES_OF_A_SPAN = 1024;
/** The longest span fits: it tells of a head, which has 16 KiB, and of that twice at most. */
const MIN_BYTES = 128 * 1024;

/** Spans in the form in which they are sent. */
export interface SpanBatch {
  /** The `spans` of a ScopeSpans, one after the other, up to `length`. */
  readonly bytes: Buffer;
  length: number;
  count: number;
}

const writer = new SpanWriter();

/**
 * Spans that wait for their export, in batches, oldest first. The buffers of the last few batches are kept for who wants to look at
 * them, and then used again: in the long run nothing is allotted.
 */
export class SpanBatches {
  readonly #queueSize: number;
  readonly #batchSize: number;
  readonly #kept: number;
  readonly #waiting: SpanBatch[] = [];
  /** Those that were exported, or given up. */
  readonly #done: SpanBatch[] = [];
  #size = 0;

  /** At most `queueSize` spans wait, in batches of `batchSize`; the last `kept` batches stay readable. */
  constructor(queueSize: number, batchSize: number, kept: number) {
    this.#queueSize = queueSize;
    this.#batchSize = batchSize;
    this.#kept = kept;
  }

  /** Spans that wait. */
  get size(): number {
    return this.#size;
  }

  /** Encodes a span that has ended. False where the queue is full: it is not taken. */
  add(span: SpanRecord): boolean {
    if (this.#size >= this.#queueSize) return false;
    const open = this.#waiting.at(-1);
    if (open === undefined || open.count >= this.#batchSize || !write(open, span)) {
      const fresh = this.#fresh();
      if (!write(fresh, span)) return false;
      this.#waiting.push(fresh);
    }
    this.#size++;
    return true;
  }

  /** Removes the oldest batch; {@link done} takes it back. */
  take(): SpanBatch | undefined {
    const batch = this.#waiting.shift();
    this.#size -= batch?.count ?? 0;
    return batch;
  }

  /** A batch that was taken has been exported, or is given up. */
  done(batch: SpanBatch): void {
    this.#done.push(batch);
  }

  /** Those that can be read, the newest one first. */
  *[Symbol.iterator](): Iterator<SpanBatch> {
    yield* this.#waiting.toReversed();
    yield* this.#done.toReversed();
  }

  #fresh(): SpanBatch {
    const used = this.#done.length > this.#kept ? this.#done.shift() : undefined;
    if (used === undefined) {
      const size = Math.max(MIN_BYTES, this.#batchSize * BYTES_OF_A_SPAN);
      return { bytes: Buffer.allocUnsafeSlow(size), length: 0, count: 0 };
    }
    used.length = 0;
    used.count = 0;
    return used;
  }
}

function write(batch: SpanBatch, span: SpanRecord): boolean {
  writer.begin(batch.bytes, batch.length);
  span.write(writer);
  if (!writer.end()) return false;
  batch.length = writer.at;
  batch.count++;
  return true;
}
