import { FIELD_VALUE, HEX_VALUE, TOKEN } from './characters.ts';

export const INCOMPLETE = -1;
export const INVALID = -2;

/** All extensions of a body together, and all its trailers, are bounded: nobody needs them, and they cost more than data. */
const MAX_EXTENSIONS = 16 * 1024;
const MAX_TRAILERS = 16 * 1024;

// What comes next.
const SIZE_START = 0;
const SIZE = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const LINE_START = 6;
const NAME = 7;
const VALUE = 8;
const LINE_LF = 9;
const LAST_LF = 10;
// Within an extension: `;name`, `;name=token` or `;name="text"`, without the blanks that RFC 9112 calls bad.
const EXTENSION_START = 11;
const EXTENSION_NAME = 12;
const EXTENSION_VALUE_START = 13;
const EXTENSION_VALUE = 14;
const QUOTED = 15;
const QUOTED_PAIR = 16;
const QUOTED_END = 17;

/** Fields that frame or route a message; a trailer that carries one is an attempt to smuggle (RFC 9110 §6.5.1). */
const FORBIDDEN_TRAILERS = new Set(
  'transfer-encoding content-length host connection trailer upgrade te content-encoding content-type content-range authorization cookie set-cookie expect'.split(
    ' ',
  ),
);

/**
 * Follows the chunked coding (RFC 9112 §7.1) strictly, byte by byte where it must, in one step over data: what it lets pass
 * can be forwarded as it stands. Only CRLF ends a line, extensions must be well-formed, trailers are fields.
 */
export class ChunkedDecoder {
  /** Gets the data of the chunks, lent; undefined where only the end matters. */
  data: ((b: Buffer, from: number, to: number) => void) | undefined;
  #state: number = SIZE_START;
  #left = 0;
  #digits = 0;
  #extensions = 0;
  #trailers = 0;
  #name = '';

  reset(): void {
    this.#state = SIZE_START;
    this.#left = 0;
    this.#digits = 0;
    this.#extensions = 0;
    this.#trailers = 0;
    this.#name = '';
    this.data = undefined;
  }

  /** The index after the body's last byte, INCOMPLETE, or INVALID. */
  take(b: Buffer, from: number, to: number): number {
    let i = from;
    while (i < to) {
      const c = b[i]!;
      switch (this.#state) {
        case DATA: {
          const end = to - i < this.#left ? to : i + this.#left;
          this.data?.(b, i, end);
          this.#left -= end - i;
          if (this.#left > 0) return INCOMPLETE;
          i = end;
          this.#state = DATA_CR;
          continue;
        }
        case SIZE_START:
        case SIZE: {
          const digit = HEX_VALUE[c]!;
          if (digit !== 255) {
            // 13 digits are 2^52: all that a number holds exactly, and more than anybody sends.
            if (++this.#digits > 13) return INVALID;
            this.#left = this.#left * 16 + digit;
            this.#state = SIZE;
          } else if (this.#state === SIZE_START) return INVALID;
          else if (c === 13) this.#state = SIZE_LF;
          else if (c === 59) this.#state = EXTENSION_START;
          else return INVALID;
          i++;
          continue;
        }
        case SIZE_LF:
          if (c !== 10) return INVALID;
          this.#state = this.#left === 0 ? LINE_START : DATA;
          this.#digits = 0;
          i++;
          continue;
        case DATA_CR:
          if (c !== 13) return INVALID;
          this.#state = DATA_LF;
          i++;
          continue;
        case DATA_LF:
          if (c !== 10) return INVALID;
          this.#state = SIZE_START;
          i++;
          continue;
        case LINE_START:
          if (c === 13) this.#state = LAST_LF;
          else if (TOKEN[c] === 1) {
            this.#state = NAME;
            this.#name = String.fromCharCode(c);
          } else return INVALID;
          i++;
          continue;
        case NAME:
          if (c === 58) {
            if (FORBIDDEN_TRAILERS.has(this.#name.toLowerCase())) return INVALID;
            this.#state = VALUE;
          } else if (TOKEN[c] === 1) this.#name += String.fromCharCode(c);
          else return INVALID;
          if (++this.#trailers > MAX_TRAILERS) return INVALID;
          i++;
          continue;
        case VALUE:
          if (c === 13) this.#state = LINE_LF;
          else if (FIELD_VALUE[c] !== 1) return INVALID;
          if (++this.#trailers > MAX_TRAILERS) return INVALID;
          i++;
          continue;
        case LINE_LF:
          if (c !== 10) return INVALID;
          this.#state = LINE_START;
          i++;
          continue;
        case LAST_LF:
          return c === 10 ? i + 1 : INVALID;
        default: {
          const next = extensionState(this.#state, c);
          if (next === INVALID || ++this.#extensions > MAX_EXTENSIONS) return INVALID;
          this.#state = next;
          i++;
        }
      }
    }
    return INCOMPLETE;
  }
}

/** What comes after `c` of an extension, or INVALID. */
function extensionState(state: number, c: number): number {
  switch (state) {
    case EXTENSION_START:
      return TOKEN[c] === 1 ? EXTENSION_NAME : INVALID;
    case EXTENSION_NAME:
      if (c === 61) return EXTENSION_VALUE_START;
      return TOKEN[c] === 1 ? EXTENSION_NAME : afterExtension(c);
    case EXTENSION_VALUE_START:
      if (c === 34) return QUOTED;
      return TOKEN[c] === 1 ? EXTENSION_VALUE : INVALID;
    case EXTENSION_VALUE:
      return TOKEN[c] === 1 ? EXTENSION_VALUE : afterExtension(c);
    case QUOTED:
      if (c === 34) return QUOTED_END;
      if (c === 92) return QUOTED_PAIR;
      return FIELD_VALUE[c] === 1 ? QUOTED : INVALID;
    case QUOTED_PAIR:
      return FIELD_VALUE[c] === 1 ? QUOTED : INVALID;
    default: // QUOTED_END
      return afterExtension(c);
  }
}

function afterExtension(c: number): number {
  if (c === 59) return EXTENSION_START;
  return c === 13 ? SIZE_LF : INVALID;
}
