import { randomFillSync } from 'node:crypto';

// The generator is asked for 4 KiB at a time, which become text at once: a number is then a slice, without a loop.
const bytes = Buffer.allocUnsafeSlow(4096);
let digits = '';
let used = 0;

/** `length` random bytes (at most 4,096) in hexadecimal digits, each used once. */
export function randomHex(length: number): string {
  if (used + 2 * length > digits.length) {
    randomFillSync(bytes);
    digits = bytes.toString('hex');
    used = 0;
  }
  const text = digits.slice(used, used + 2 * length);
  used += 2 * length;
  return text;
}
