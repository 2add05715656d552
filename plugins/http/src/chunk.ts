/** Up to here head and body go out in one string: libuv sends it at once, without a copy that outlives the call. */
export const ONE_WRITE = 16 * 1024;

export const LAST_CHUNK = '0\r\n\r\n';

const CRLF = Buffer.from('\r\n', 'latin1');

/** One chunk (RFC 9112 §7.1); the bytes are copied. */
export function chunk(bytes: Buffer): Buffer {
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, bytes, CRLF]);
}
