import type { SpanRecord } from './span.ts';

/** Spans that wait for their export, oldest first: a ring that is allotted once. */
export class SpanQueue {
  readonly #ring: (SpanRecord | undefined)[];
  #first = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#ring = new Array(capacity).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  /** False where the queue is full: the span is not taken. */
  push(span: SpanRecord): boolean {
    const { length } = this.#ring;
    if (this.#size === length) return false;
    this.#ring[(this.#first + this.#size) % length] = span;
    this.#size++;
    return true;
  }

  /** Removes the oldest spans, `count` at most. */
  take(count: number): SpanRecord[] {
    const taken: SpanRecord[] = [];
    const { length } = this.#ring;
    for (let left = Math.min(count, this.#size); left > 0; left--) {
      taken.push(this.#ring[this.#first]!);
      this.#ring[this.#first] = undefined;
      this.#first = (this.#first + 1) % length;
      this.#size--;
    }
    return taken;
  }
}
