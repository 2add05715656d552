import { ChunkedDecoder, INCOMPLETE, INVALID } from './chunked-decoder.ts';

/** How the end of a body is known (RFC 9112 §6.3). */
export type Framing = typeof NO_BODY | typeof LENGTH | typeof CHUNKED | typeof UNTIL_CLOSE;
export const NO_BODY = 0;
export const LENGTH = 1;
export const CHUNKED = 2;
export const UNTIL_CLOSE = 3;

export { INVALID };

/** Follows one body to its end. One for each direction of a connection, used again for each message. */
export class BodyFraming {
  kind: Framing = NO_BODY;
  /** True when the body is complete. */
  done = true;
  #left = 0;
  #chunked: ChunkedDecoder | undefined;
  #data: ((b: Buffer, from: number, to: number) => void) | undefined;

  /** `data`, where given, gets the payload without its framing. */
  begin(kind: Framing, length: number, data?: (b: Buffer, from: number, to: number) => void): void {
    this.kind = kind;
    this.done = kind === NO_BODY || (kind === LENGTH && length === 0);
    this.#left = length;
    this.#data = data;
    if (kind === CHUNKED) {
      this.#chunked ??= new ChunkedDecoder();
      this.#chunked.reset();
      this.#chunked.data = data;
    }
  }

  /** From here on `data` gets the payload. */
  unframe(data: (b: Buffer, from: number, to: number) => void): void {
    this.#data = data;
    if (this.kind === CHUNKED) this.#chunked!.data = data;
  }

  /** Takes what belongs to the body: the index after it (`to` while it goes on), or INVALID. */
  take(b: Buffer, from: number, to: number): number {
    if (this.done) return from;
    switch (this.kind) {
      case CHUNKED: {
        const end = this.#chunked!.take(b, from, to);
        if (end === INCOMPLETE) return to;
        if (end !== INVALID) this.done = true;
        return end;
      }
      case LENGTH: {
        const end = to - from < this.#left ? to : from + this.#left;
        this.#left -= end - from;
        if (this.#left === 0) this.done = true;
        this.#data?.(b, from, end);
        return end;
      }
      default:
        this.#data?.(b, from, to);
        return to;
    }
  }
}
