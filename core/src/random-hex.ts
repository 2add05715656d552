import { randomFillSync } from 'node:crypto';

const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `bytes` random bytes (at most 32) in hexadecimal digits; the generator is asked for 4 KiB at a time. */
export function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let text = '';
  for (let i = used; i < used + bytes; i++) text += HEX[pool[i]!];
  used += bytes;
  return text;
}
