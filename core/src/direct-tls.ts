import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { ByteStream } from './byte-stream.ts';
import { proveDirectIo } from './direct-io.ts';
import { latin1 } from './latin1.ts';
import { SecureStream } from './secure-stream.ts';
import { SocketStream } from './socket-stream.ts';

const PROOF_MS = 2_000;
/** Needs no certificate. */
const CIPHERS = 'PSK-AES128-GCM-SHA256';

let proven = false;
let proof: Promise<boolean> | undefined;

/**
 * A TLS socket as a {@link ByteStream}, past Node's streams where that has been seen to work. Call it when the socket connects, or in
 * the event that tells of its handshake: what comes behind that is not lost.
 */
export function secureStream(socket: TLSSocket): ByteStream {
  return proven ? new SecureStream(socket) : SocketStream.wrap(socket);
}

/**
 * Tries, once for the process, whether a TLS socket can be read and written past its streams as {@link SecureStream} does it:
 * an echo over a loopback connection, paused and resumed, of more than the shared buffer holds. Not where plain sockets cannot.
 */
export function proveDirectTls(): Promise<boolean> {
  proof ??= proveDirectIo()
    .then((plain) => plain && prove())
    .then((works) => {
      proven = works;
      return works;
    });
  return proof;
}

async function prove(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const psk = randomBytes(32);
  const options = { ciphers: CIPHERS, maxVersion: 'TLSv1.2' as const };
  const server = createServer({ ...options, pskCallback: () => psk }, (socket) => {
    socket.on('error', () => resolve(false));
    socket.allowHalfOpen = true;
    echo(new SecureStream(socket));
  });
  server.on('tlsClientError', () => resolve(false));
  server.on('error', () => resolve(false));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    const client = connect({
      ...options,
      port,
      host: '127.0.0.1',
      pskCallback: () => ({ psk, identity: 'proof' }),
      checkServerIdentity: () => undefined,
    });
    const sent = randomBytes(256 * 1024);
    const got: Buffer[] = [];
    client.on('data', (bytes) => got.push(bytes));
    client.on('error', () => resolve(false));
    client.on('end', () => resolve(Buffer.concat(got).equals(sent)));
    client.end(sent);
  });
  const late = setTimeout(() => resolve(false), PROOF_MS);
  const works = await promise;
  clearTimeout(late);
  server.close();
  return works;
}

/** As a proxy does it: pausing where a write waits. */
function echo(stream: SecureStream): void {
  let pauses = 0;
  stream.onDrain(() => stream.resume());
  stream.read({
    bytes(buffer, from, to) {
      // Head and body, as strings and as bytes.
      const odd = (to - from) % 2 === 1;
      const more = odd
        ? stream.write(latin1(buffer, from, to))
        : stream.writeLent(buffer, from + 1, to, latin1(buffer, from, from + 1));
      if (!more) stream.pause();
      else if (pauses++ === 0) {
        stream.pause();
        setImmediate(() => stream.resume());
      }
    },
    end: () => stream.end(),
    error() {},
    closed() {},
  });
}
