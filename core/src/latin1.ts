/** `Buffer#latin1Slice` is public, long-lived and undocumented; it is what `toString('latin1')` ends in after its checks. */
type Sliceable = Buffer & { latin1Slice?(from: number, to: number): string };

const direct = typeof (Buffer.prototype as Sliceable).latin1Slice === 'function';

/** Bytes as a latin1 string, one character each: how a head is read, and what a small write is made of. */
export function latin1(b: Buffer, from: number, to: number): string {
  return direct ? (b as Sliceable).latin1Slice!(from, to) : b.toString('latin1', from, to);
}
