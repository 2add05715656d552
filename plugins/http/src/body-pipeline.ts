import type { BodyTransform } from '@outrigger/core';

/** Where a {@link BodyPipeline} stands. */
export interface BodyPipelineEnds {
  /** A piece of the changed body; the buffer is the pipeline's no more. */
  output(bytes: Buffer): void;
  /** Everything has been through. */
  finished(): void;
  /** A transform threw or rejected. At most once; nothing follows. */
  failed(error: unknown): void;
  /** A transform is waiting, or has stopped waiting: the source is to pause, or may go on. */
  waiting(waits: boolean): void;
}

/** Sends a body through transforms, in order. What comes while one of them waits is queued behind it. */
export class BodyPipeline {
  readonly #ends: BodyPipelineEnds;
  readonly #first: Stage;
  #busy = 0;
  #over = false;

  constructor(transforms: readonly BodyTransform[], ends: BodyPipelineEnds) {
    this.#ends = ends;
    const last: Sink = { write: (bytes) => ends.output(bytes), end: () => this.#finish() };
    this.#first = transforms.reduceRight<Sink>((next, transform) => new Stage(transform, next, this), last) as Stage;
  }

  /** Takes lent bytes. */
  write(b: Buffer, from: number, to: number): void {
    if (!this.#over && to > from) this.#first.write(Buffer.from(b.subarray(from, to)));
  }

  end(): void {
    if (!this.#over) this.#first.end();
  }

  /** Nothing comes out any more. */
  stop(): void {
    this.#over = true;
  }

  /** Whether a transform is waiting. */
  get waits(): boolean {
    return this.#busy > 0 && !this.#over;
  }

  get over(): boolean {
    return this.#over;
  }

  busy(change: 1 | -1): void {
    this.#busy += change;
    if (!this.#over && this.#busy === (change === 1 ? 1 : 0)) this.#ends.waiting(change === 1);
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#ends.failed(error);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ends.finished();
  }
}

interface Sink {
  write(bytes: Buffer): void;
  end(): void;
}

/** One transform with what waits for it. */
class Stage implements Sink {
  readonly #transform: BodyTransform;
  readonly #next: Sink;
  readonly #pipeline: BodyPipeline;
  readonly #emit: (bytes: Buffer) => void;
  #queue: (Buffer | undefined)[] = [];
  #waiting = false;

  constructor(transform: BodyTransform, next: Sink, pipeline: BodyPipeline) {
    this.#transform = transform;
    this.#next = next;
    this.#pipeline = pipeline;
    this.#emit = (bytes) => {
      if (!pipeline.over && bytes.length > 0) next.write(bytes);
    };
  }

  write(bytes: Buffer): void {
    if (this.#waiting) this.#queue.push(bytes);
    else this.#step(bytes);
  }

  end(): void {
    if (this.#waiting) this.#queue.push(undefined);
    else this.#step(undefined);
  }

  /** Undefined is the end of the body. */
  #step(piece: Buffer | undefined): void {
    if (this.#pipeline.over) return;
    try {
      const pending = piece === undefined ? this.#transform.end(this.#emit) : this.#transform.write(piece, this.#emit);
      if (pending === undefined || typeof pending?.then !== 'function') {
        if (piece === undefined) this.#next.end();
        return;
      }
      this.#waiting = true;
      this.#pipeline.busy(1);
      pending.then(
        () => this.#settled(piece),
        (error: unknown) => this.#pipeline.fail(error),
      );
    } catch (error) {
      this.#pipeline.fail(error);
    }
  }

  #settled(piece: Buffer | undefined): void {
    this.#waiting = false;
    if (piece === undefined) this.#next.end();
    while (!this.#waiting && this.#queue.length > 0) this.#step(this.#queue.shift());
    this.#pipeline.busy(-1);
  }
}
