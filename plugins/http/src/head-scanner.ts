import { FIELD_VALUE, TOKEN } from './characters.ts';

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
  /** Index of the start line's CR. */
  startEnd = 0;
  count = 0;
  /** Four offsets for each field: start and end of its name, start and end of its value. The line goes on to CR LF. */
  readonly offsets = new Int32Array(MAX_FIELDS * 4);

  /** Scans `b` from `from`: the index after the head's last byte, or one of the three negative results. */
  scan(b: Uint8Array, from: number, to: number): number {
    this.count = 0;
    const limit = from + MAX_HEAD_BYTES;
    const n = to > limit ? limit : to;
    const incomplete = to > limit ? TOO_LARGE : NEED_MORE;
    const { offsets } = this;
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
      offsets[field] = nameStart;
      offsets[field + 1] = nameEnd;
      offsets[field + 2] = valueStart;
      offsets[field + 3] = valueEnd;
      field += 4;
      i += 2;
    }
    return incomplete;
  }
}

/** Whether the bytes from `from` spell `lower`, a name in lower case of the same length, whatever their case. */
export function isName(b: Uint8Array, from: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const c = b[from + i]!;
    if ((c >= 65 && c <= 90 ? c | 32 : c) !== lower.charCodeAt(i)) return false;
  }
  return true;
}
