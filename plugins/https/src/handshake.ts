import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import {
  type Address,
  type ByteStream,
  type Cause,
  type Clock,
  describeCause,
  OutriggerError,
  type PeerInfo,
  peerOf,
  secureStream,
  Timer,
} from '@outrigger/core';
import { HANDSHAKE_RECORD, serverNameOf } from './client-hello.ts';
import { clientCertificateCause, handshakeCause } from './failure.ts';
import { serverNameIn, tlsInfoOf } from './peer.ts';
import type { Termination, Terminator } from './terminator.ts';

/** A client that was refused has so long to read why. */
const LINGER_MS = 2_000;

export interface Secured {
  readonly stream: ByteStream;
  readonly peer: PeerInfo;
  readonly alpn?: string;
}

/** What surrounds a handshake. */
export interface Surroundings {
  readonly clock: Clock;
  /** In milliseconds. */
  readonly timeout: number;
  readonly terminator: Terminator;
  /** Called once: it is over. */
  ended(handshake: Handshake, failure: OutriggerError | undefined, socket: TLSSocket | undefined): void;
}

/** The handshakes that servers work on, by the socket below. */
const underWay = new WeakMap<Socket, Handshake>();

/** Hands what comes of a server's handshakes to their {@link Handshake}. */
export function listenTo(server: Server): void {
  // Node names the socket below in this property alone.
  const handshakeOf = (socket: TLSSocket) => underWay.get((socket as unknown as { _parent: Socket })._parent);
  server.on('secureConnection', (socket) => handshakeOf(socket)?.established(socket));
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    handshakeOf(socket)?.fail(handshakeCause(error), error);
  });
}

/** One handshake, from an accepted socket to a stream of plain bytes. */
export class Handshake extends Timer {
  readonly #around: Surroundings;
  readonly #socket: Socket;
  readonly #address: Address;
  readonly #settled = Promise.withResolvers<Secured>();
  /** What has come of the client's first message. */
  #hello: Buffer | undefined;
  #termination!: Termination;
  #failure: OutriggerError | undefined;
  #over = false;

  constructor(socket: Socket, around: Surroundings) {
    super();
    this.#socket = socket;
    this.#around = around;
    this.#address = peerOf(socket) ?? { family: 'unix', host: '', port: 0 };
    around.clock.arm(this, around.timeout);
    socket.on('data', this.#helloBytes);
    socket.once('end', this.#left);
    socket.once('close', this.#left);
  }

  get secured(): Promise<Secured> {
    return this.#settled.promise;
  }

  get address(): Address {
    return this.#address;
  }

  expired(): void {
    if (this.#failure === undefined) this.fail('tls-handshake-timeout');
    else this.#socket.destroy();
  }

  /** Ends it at once. */
  fail(cause: Cause, error?: Error): void {
    this.#refuse(cause, error);
    this.#socket.destroy();
    this.#settle();
  }

  /** The handshake is done; the client may still be refused. */
  established(socket: TLSSocket): void {
    if (this.#failure !== undefined) return;
    socket.allowHalfOpen = true;
    if (this.#around.terminator.of(serverNameIn(socket)) !== this.#termination) {
      // What asks for a proof is chosen by the name that we read: OpenSSL has read another one.
      return this.fail('tls-handshake', new Error('the server name is not where it was looked for, within 16 KiB'));
    }
    const { clock, ended } = this.#around;
    const { clientAuth } = this.#termination.demand;
    const certificate = clientAuth === 'none' ? undefined : socket.getPeerX509Certificate();
    if (certificate === undefined) {
      if (clientAuth === 'require') return this.#tell('tls-client-certificate-missing', socket);
    } else {
      const { authorizationError } = socket as unknown as { authorizationError?: string | null };
      if (authorizationError) return this.#tell(clientCertificateCause(authorizationError), socket);
      // A resumed session was proved before.
      const now = clock.wallTime();
      if (now > certificate.validToDate.getTime() || now < certificate.validFromDate.getTime())
        return this.#tell('tls-client-certificate-expired', socket);
    }
    this.#forget();
    clock.disarm(this);
    this.#over = true;
    const tls = tlsInfoOf(socket, certificate, this.#termination);
    ended(this, undefined, socket);
    this.#settled.resolve({
      stream: secureStream(socket),
      peer: { address: this.#address, tls },
      ...(socket.alpnProtocol && { alpn: socket.alpnProtocol }),
    });
  }

  readonly #helloBytes = (more: Buffer): void => {
    const socket = this.#socket;
    if (this.#failure !== undefined) return;
    const bytes = this.#hello === undefined ? more : Buffer.concat([this.#hello, more]);
    if (bytes[0] !== HANDSHAKE_RECORD) return this.#tell('tls-plaintext', socket);
    const serverName = serverNameOf(bytes);
    if (serverName === undefined) {
      this.#hello = bytes;
      return;
    }
    this.#hello = undefined;
    this.#termination = this.#around.terminator.of(serverName);
    socket.off('data', this.#helloBytes);
    socket.pause();
    socket.off('end', this.#left);
    // Who leaves in the middle of the handshake has left; a half-open connection is one for later.
    socket.allowHalfOpen = false;
    socket.unshift(bytes);
    underWay.set(socket, this);
    this.#termination.server.emit('connection', socket);
  };

  readonly #left = (): void => {
    if (this.#failure === undefined) this.fail('tls-aborted');
    else this.#socket.destroy();
    this.#settle();
  };

  /** Refuses the client with an answer that it can show to people, as nginx does. */
  #tell(cause: Cause, socket: Socket): void {
    this.#refuse(cause);
    const { status, doc } = describeCause(cause);
    const body = `${cause}: ${doc}\n`;
    const fields = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${body.length}\r\nconnection: close`;
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 ${status} Bad Request\r\n${fields}\r\n\r\n${body}`);
    // What it sends meanwhile is read, so that no reset overtakes the answer.
    socket.resume();
    socket.once('end', () => socket.destroy());
    this.#around.clock.arm(this, LINGER_MS);
  }

  #refuse(cause: Cause, error?: Error): void {
    if (this.#failure !== undefined) return;
    const message = error?.message ?? describeCause(cause).doc;
    this.#failure = new OutriggerError(cause, message, error && { cause: error });
    this.#around.ended(this, this.#failure, undefined);
  }

  #settle(): void {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#around.clock.disarm(this);
    this.#settled.reject(this.#failure!);
  }

  #forget(): void {
    const socket = this.#socket;
    underWay.delete(socket);
    socket.off('data', this.#helloBytes);
    socket.off('end', this.#left);
    socket.off('close', this.#left);
  }
}
