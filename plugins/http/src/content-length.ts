import type { HeadScanner } from './head-scanner.ts';

/** The value of a `Content-Length`: digits alone, below 10^15; -1 for anything else (RFC 9112 §6.3: no list, no sign, no blank). */
export function contentLength({ bytes, offsets }: HeadScanner, field: number): number {
  const from = offsets[4 * field + 2]!;
  const to = offsets[4 * field + 3]!;
  if (to === from || to - from > 15) return -1;
  let length = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}
