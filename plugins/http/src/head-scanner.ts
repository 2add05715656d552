import { latin1 } from '@outrigger/core';
import { FIELD_VALUE, TOKEN } from './characters.ts';
import type { FieldNames } from './field-names.ts';

const CR = 13;
const LF = 10;
const COLON = 58;

/** A head is at most this long, start line and final CRLF included. */
export const MAX_HEAD_BYTES = 16 * 1024;
export const MAX_FIELDS = 100;

/** Negative results of {@link HeadScanner.scan}. */
export const NEED_MORE = -1;
export const MALFORMED = -2;
export const TOO_LARGE = -3;

/**
 * Finds the fields of a head, strictly (RFC 9112 §2.2, §5): only CRLF ends a line, no obs-fold, no blank before the colon,
 * no control character. It holds nothing over from one call to the next: a head that is not complete is scanned again from
 * its start when more has come, so that what is wrong is known with the byte that is wrong.
 *
 * One instance serves all connections; its results are valid until the next scan.
 */
export class HeadScanner {
  /** What was scanned, and where the head in it begins, its start line ends (its CR), and it ends itself. */
  bytes: Buffer = Buffer.alloc(0);
  from = 0;
  startEnd = 0;
  end = 0;
  /** The head as latin1, once it was {@link read}; what was read with it stands behind it. */
  text = '';
  /** How many fields there are. */
  count = 0;
  /** Four offsets for each field: start and end of its name, start and end of its value. The line goes on to CR LF. */
  readonly offsets = new Int32Array(MAX_FIELDS * 4);
  /** The name of each field, where it is one of those that are to be known; else empty. */
  readonly names: string[] = new Array(MAX_FIELDS).fill('');
  readonly #known: FieldNames;

  constructor(known: FieldNames) {
    this.#known = known;
  }

  /** Scans `b` from `from`: the index after the head's last byte, or one of the three negative results. */
  scan(b: Buffer, from: number, to: number): number {
    this.bytes = b;
    this.from = from;
    this.count = 0;
    const limit = from + MAX_HEAD_BYTES;
    const n = to > limit ? limit : to;
    const incomplete = to > limit ? TOO_LARGE : NEED_MORE;
    const { offsets, names } = this;
    const known = this.#known;
    let i = from;
    while (i < n && FIELD_VALUE[b[i]!] === 1) i++;
    if (i === n) return incomplete;
    if (b[i] !== CR) return MALFORMED;
    if (i + 1 === n) return incomplete;
    if (b[i + 1] !== LF) return MALFORMED;
    this.startEnd = i;
    i += 2;
    let field = 0;
    for (;;) {
      if (i === n) break;
      if (b[i] === CR) {
        if (i + 1 === n) break;
        if (b[i + 1] !== LF) return MALFORMED;
        this.count = field >> 2;
        this.end = i + 2;
        return i + 2;
      }
      const nameStart = i;
      while (i < n && TOKEN[b[i]!] === 1) i++;
      if (i === n) break;
      if (b[i] !== COLON || i === nameStart) return MALFORMED;
      const nameEnd = i++;
      while (i < n && (b[i] === 32 || b[i] === 9)) i++;
      const valueStart = i;
      while (i < n && FIELD_VALUE[b[i]!] === 1) i++;
      if (i === n) break;
      if (b[i] !== CR) return MALFORMED;
      if (i + 1 === n) break;
      if (b[i + 1] !== LF) return MALFORMED;
      if (field === offsets.length) return TOO_LARGE;
      let valueEnd = i;
      while (valueEnd > valueStart && (b[valueEnd - 1] === 32 || b[valueEnd - 1] === 9)) valueEnd--;
      names[field >> 2] = known.of(b, nameStart, nameEnd);
      offsets[field] = nameStart;
      offsets[field + 1] = nameEnd;
      offsets[field + 2] = valueStart;
      offsets[field + 3] = valueEnd;
      field += 4;
      i += 2;
    }
    return incomplete;
  }

  /** Makes text of the head that was found, and of what stands behind it up to `to`, which is returned. */
  read(to: number): string {
    this.text = latin1(this.bytes, this.from, to);
    return to === this.end ? '' : this.text.slice(this.length);
  }

  /** Of the head. */
  get length(): number {
    return this.end - this.from;
  }

  // Of a field, by its number

  name(field: number): string {
    return this.text.slice(this.offsets[4 * field]! - this.from, this.offsets[4 * field + 1]! - this.from);
  }

  value(field: number): string {
    return this.text.slice(this.offsets[4 * field + 2]! - this.from, this.offsets[4 * field + 3]! - this.from);
  }

  /** Where its line begins in {@link text}; for the number behind the last field: where the fields end. */
  line(field: number): number {
    return field < this.count ? this.offsets[4 * field]! - this.from : this.length - 2;
  }
}
