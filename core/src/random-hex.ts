import { randomBytesOnce } from './random-bytes.ts';

/** So many become text at once: a number is then a slice, without a loop. */
const BYTES = 4096;
let digits = '';
let used = 0;

/** `length` random bytes (at most 4,096) in hexadecimal digits, each used once. */
export function randomHex(length: number): string {
  if (used + 2 * length > digits.length) {
    digits = randomBytesOnce(BYTES).toString('hex');
    used = 0;
  }
  const text = digits.slice(used, used + 2 * length);
  used += 2 * length;
  return text;
}
