import { randomFillSync } from 'node:crypto';

/** 32 random hexadecimal digits. */
export function newTraceId(): string {
  return take(32);
}

/** 16 random hexadecimal digits. */
export function newSpanId(): string {
  return take(16);
}

// The generator is asked for 4 KiB at a time, which become text at once: an id is then a slice, without a loop.
const bytes = Buffer.allocUnsafeSlow(4096);
let digits = '';
let used = 0;

function take(count: number): string {
  if (used + count > digits.length) {
    randomFillSync(bytes);
    digits = bytes.toString('hex');
    used = 0;
  }
  const id = digits.slice(used, used + count);
  used += count;
  return id;
}
