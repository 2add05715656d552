import type { SpanRecord } from './span.ts';
import { emptyBatch, type SpanBatch } from './span-batches.ts';
import { SpanWriter } from './span-writer.ts';

/** Each of them holds some 500 spans. */
const BUFFERS = 4;

/** Where a span stands, as OTLP has it. */
export interface EncodedSpan {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/**
 * The spans of the last traces, for who wants to look at them: each is encoded here into one of four buffers
 * of 256 KiB, of which the oldest is used again when the newest is full. No span leaves an object behind, and 1 MiB is all that
 * it takes, whatever comes.
 */
export class SpanStore implements EncodedSpan, Iterable<SpanBatch> {
  // Where the last span stands, until the next one is added.
  bytes: Buffer = Buffer.alloc(0);
  from = 0;
  to = 0;
  readonly #writer = new SpanWriter();
  /** Oldest first. */
  readonly #batches: SpanBatch[] = [];

  /** Encodes a span that has ended. False where it fits nowhere. */
  add(span: SpanRecord): boolean {
    const open = this.#batches.at(-1);
    return (open !== undefined && this.#write(open, span)) || this.#write(this.#fresh(), span);
  }

  /** Newest first. */
  *[Symbol.iterator](): Iterator<SpanBatch> {
    yield* this.#batches.toReversed();
  }

  #write(batch: SpanBatch, span: SpanRecord): boolean {
    const writer = this.#writer;
    writer.begin(batch.bytes, batch.length);
    span.write(writer);
    if (!writer.end()) return false;
    this.bytes = batch.bytes;
    this.from = batch.length;
    this.to = writer.at;
    batch.length = writer.at;
    batch.count++;
    return true;
  }

  #fresh(): SpanBatch {
    const newest = this.#batches.at(-1);
    // What fits in no empty buffer is not to empty all of them.
    if (newest?.count === 0) return newest;
    const batch = this.#batches.length < BUFFERS ? emptyBatch() : this.#batches.shift()!;
    batch.length = 0;
    batch.count = 0;
    this.#batches.push(batch);
    return batch;
  }
}
