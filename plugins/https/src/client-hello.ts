import { latin1 } from '@outrigger/core';

/** What is longer is left to OpenSSL, and to the default certificate; Envoy's limit, of which browsers use a tenth. */
const MAX_HELLO = 16 * 1024;
const RECORD_HEAD = 5;
const HANDSHAKE_HEAD = 4;

/** Content type of a TLS record that carries a handshake (RFC 8446 §5.1). */
export const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;

/**
 * The server name that a client asks for in its first message, in lower case; '' where it names none, or what came is no hello
 * that can be read: OpenSSL judges that. Undefined where more bytes have to come. Called with all bytes that have come so far,
 * some once or twice a connection (RFC 8446 §4.1.2, RFC 6066 §3).
 */
export function serverNameOf(bytes: Buffer): string | undefined {
  const hello = messageIn(bytes);
  if (hello === undefined) return undefined;
  try {
    return readServerName(hello).toLowerCase();
  } catch {
    // It ends within a field.
    return '';
  }
}

/** The body of the first handshake message, which may be spread over records; empty where it is no hello. */
function messageIn(bytes: Buffer): Buffer | undefined {
  const fragments: Buffer[] = [];
  let got = 0;
  for (let at = 0; ; ) {
    if (at > MAX_HELLO) return NONE;
    if (bytes.length < at + RECORD_HEAD) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE_RECORD || length === 0 || length > 1 << 14) return NONE;
    at += RECORD_HEAD;
    const fragment = bytes.subarray(at, at + length);
    if (fragments.length === 0 && fragment.length > 0 && fragment[0] !== CLIENT_HELLO) return NONE;
    at += length;
    if (bytes.length < at) return undefined;
    fragments.push(fragment);
    got += length;
    if (got < HANDSHAKE_HEAD) continue;
    const message = fragments.length === 1 ? fragment : Buffer.concat(fragments);
    const end = HANDSHAKE_HEAD + message.readUIntBE(1, 3);
    if (end <= got) return message.subarray(HANDSHAKE_HEAD, end);
  }
}

/** Throws a RangeError where the message ends too early. */
function readServerName(hello: Buffer): string {
  // Version and random.
  let at = 34;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at === hello.length) return '';
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at < end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    at += 4;
    if (type === SERVER_NAME) {
      // A list, of which the one type that there is may come once: host_name.
      if (hello.readUInt8(at + 2) !== 0) return '';
      const size = hello.readUInt16BE(at + 3);
      return latin1(hello, at + 5, Math.min(at + 5 + size, hello.length));
    }
    at += length;
  }
  return '';
}

const NONE = Buffer.alloc(0);
