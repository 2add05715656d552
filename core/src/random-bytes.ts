import { randomFillSync } from 'node:crypto';

// To ask the generator costs as much as what it makes of 16 KiB.
const pool = Buffer.allocUnsafeSlow(32 * 1024);
let used = pool.length;

/** So many random bytes (at most 32 KiB), which are given out once: a view, to be read before the next call. */
export function randomBytesOnce(length: number): Buffer {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += length;
  return pool.subarray(used - length, used);
}
