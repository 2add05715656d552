import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { ARENA_SIZE, copyOf, pieceOf, pieceSent } from './arena.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Cause } from './cause.ts';
import {
  type HandleReader,
  handleOf,
  ioIsDirect,
  passingRequest,
  readDirectly,
  readHandle,
  SHARED,
  wasTaken,
} from './direct-io.ts';
import { latin1 } from './latin1.ts';
import { type Sender, sendAtTurnsEnd } from './outbox.ts';
import { SocketEvents, STREAM } from './socket-events.ts';

/**
 * Up to here a latin1 string is the cheaper write: libuv sends it at once and copies only what the kernel did not take. Longer
 * ones would fill V8's new space while a body is streamed, and make the process grow.
 */
const STRING_WRITE = 4 * 1024;

/** Up to here a piece waits for the end of the turn; larger ones come in streams, where one fills the kernel's buffer. */
const WAITING_PIECE = 20 * 1024;

/** From so many bytes on that wait, `write` returns false: as net.Socket has it. */
const HIGH_WATER = 64 * 1024;

type StreamSocket = Socket & { [STREAM]?: SocketStream };

/** A TCP or Unix-domain socket, or anything that behaves like one (a TLS socket), as a {@link ByteStream}. */
export class SocketStream extends SocketEvents<Socket> implements ByteStream, Sender, HandleReader {
  /** As {@link HandleReader} has it. */
  bytesRead = 0;
  #connected: (() => void) | undefined;
  /** Whether writes go to the handle: not while it connects, nor through TLS. */
  #direct = false;
  /** Nothing is left of what the socket was given before it became direct: from then on its own queue stays empty. */
  #queueless = false;
  /** A write to the handle has returned false, and its drain is to be told. */
  #full = false;
  /** What this turn of the event loop has written, to go out at its end: small pieces in one string, or one that is larger. */
  #turn = '';
  #piece: Buffer | undefined;

  private constructor(socket: Socket) {
    super(socket);
  }

  /**
   * Takes over a socket that a server has accepted in this very turn of the event loop. It is reading already: call
   * {@link read} or {@link pause} before the turn is over.
   */
  static accepted(socket: Socket): SocketStream {
    const stream = new SocketStream(socket);
    stream.paused = false;
    if (ioIsDirect()) {
      stream.#direct = true;
      readDirectly(socket, onSharedRead);
      readHandle(handleOf(socket)!, stream);
    } else socket.on('data', onData);
    return stream;
  }

  /** Takes over any other socket, by its 'data' events. Bytes that it has buffered already are not lost. */
  static wrap(socket: Socket): SocketStream {
    const stream = new SocketStream(socket);
    socket.on('data', onData);
    socket.pause();
    return stream;
  }

  /** Connects; `connected` is called once, when it has. Bytes written before are queued. */
  static connect(options: NetConnectOpts, connected: () => void): SocketStream {
    const socket = connect({ ...options, allowHalfOpen: true, onread: { buffer: SHARED, callback: onSharedRead } });
    const stream = new SocketStream(socket);
    stream.#connected = connected;
    stream.paused = false;
    socket.on('connect', onConnect);
    return stream;
  }

  write(data: Buffer | string): boolean {
    if (this.destroyed) return true;
    // Whose peer does not take what it is sent has to learn at once that he is to wait.
    const keepsUp = this.#direct ? !this.#full : this.socket.writableLength === 0;
    if (typeof data === 'string' && data.length <= STRING_WRITE && keepsUp) {
      this.#write(data);
      return true;
    }
    this.flush();
    return this.destroyed || this.#send(data);
  }

  #write(text: string): void {
    if (this.#piece !== undefined || this.#turn.length + text.length > STRING_WRITE) this.flush();
    const first = this.#turn === '';
    this.#turn += text;
    if (first) sendAtTurnsEnd(this);
  }

  flush(): void {
    if (this.#piece !== undefined) return void this.#sendPiece(this.#piece);
    const text = this.#turn;
    if (text === '') return;
    this.#turn = '';
    if (!this.destroyed) this.#send(text);
  }

  #send(data: Buffer | string): boolean {
    if (this.#direct && !this.#queueless) this.#queueless = this.socket.writableLength === 0;
    if (this.#queueless) return this.#toHandle(data);
    return typeof data === 'string' ? this.socket.write(data, 'latin1') : this.socket.write(data);
  }

  writeLent(buffer: Buffer, from: number, to: number, head = ''): boolean {
    if (this.destroyed) return true;
    const length = head.length + to - from;
    if (length <= STRING_WRITE) return this.write(head + latin1(buffer, from, to));
    this.flush();
    if (this.destroyed) return true;
    if (length > ARENA_SIZE || this.buffered > 0) return this.#send(copyOf(head, buffer, from, to));
    const piece = pieceOf(head, buffer, from, to);
    if (length > WAITING_PIECE || this.#full) return this.#sendPiece(piece);
    this.#piece = piece;
    sendAtTurnsEnd(this);
    return true;
  }

  #sendPiece(piece: Buffer): boolean {
    this.#piece = undefined;
    const more = this.destroyed || this.#send(piece);
    pieceSent(!this.destroyed && this.buffered > 0);
    return more;
  }

  /** What the stream of a socket does in the end, without the stream. */
  #toHandle(data: Buffer | string): boolean {
    const handle = handleOf(this.socket)!;
    const request = passingRequest();
    const error =
      typeof data === 'string' ? handle.writeLatin1String(request, data) : handle.writeBuffer(request, data);
    const taken = wasTaken(request);
    if (error !== 0) {
      this.socket.destroy(writeError(error));
      return true;
    }
    if (taken) return true;
    // The kernel has not taken all of it: libuv sends the rest, in order, and tells the request.
    request.buffer = typeof data === 'string' ? null : data;
    request.oncomplete = (status) => this.#written(status);
    this.#full = handle.writeQueueSize >= HIGH_WATER;
    return !this.#full;
  }

  #written(status: number): void {
    if (this.destroyed) return;
    if (status !== 0) this.socket.destroy(writeError(status));
    else if (this.#full && this.buffered === 0) {
      this.#full = false;
      this.drainListener?.();
    }
  }

  resume(): void {
    if (!this.paused || this.destroyed) return;
    this.paused = false;
    this.socket.resume();
  }

  end(): void {
    this.flush();
    if (!this.destroyed) this.socket.end();
  }

  closeWhenSent(): boolean {
    this.flush();
    // TLS has a last word of its own (close_notify).
    if (this.buffered > 0 || 'encrypted' in this.socket) return false;
    this.socket.destroy();
    return true;
  }

  destroy(_cause: Cause): void {
    this.flush();
    this.socket.destroy();
  }

  reset(_cause: Cause): void {
    this.flush();
    // A reset is TCP's; on a Unix-domain or TLS socket the call below is a plain destroy, or throws. Behind our FIN libuv
    // refuses it, and Node (24.21) then leaks the handle.
    if (
      !this.destroyed &&
      !this.socket.writableEnded &&
      this.socket.remoteFamily !== undefined &&
      !('encrypted' in this.socket)
    ) {
      this.socket.resetAndDestroy();
    } else this.socket.destroy();
  }

  get buffered(): number {
    const waiting = this.#turn.length + (this.#piece?.length ?? 0) + this.socket.writableLength;
    return this.#direct ? waiting + (handleOf(this.socket)?.writeQueueSize ?? 0) : waiting;
  }

  get sent(): number {
    const handle = handleOf(this.socket);
    // Without a handle, or with one that does not count (TLS): whole writes only.
    if (handle?.bytesWritten === undefined) return this.socket.bytesWritten - this.socket.writableLength;
    return handle.bytesWritten - handle.writeQueueSize;
  }

  hasRead(length: number): void {
    this.sink?.bytes(SHARED, 0, length);
  }

  // Called by the socket's events, which are shared functions.

  received(buffer: Buffer, length: number): boolean {
    this.sink?.bytes(buffer, 0, length);
    return !this.paused;
  }

  opened(): void {
    const connected = this.#connected;
    this.#connected = undefined;
    if (ioIsDirect()) {
      this.#direct = true;
      readHandle(handleOf(this.socket)!, this);
    }
    connected?.();
  }
}

/** As Node's own: `write EPIPE`, with its code. */
function writeError(errno: number): Error {
  const [code, text] = getSystemErrorMap().get(errno) ?? ['UNKNOWN', 'unknown error'];
  return Object.assign(new Error(`write ${code} (${text})`), { code, errno, syscall: 'write' });
}

function onSharedRead(this: Socket, length: number, buffer: Uint8Array): boolean {
  return (this as StreamSocket)[STREAM]!.received(buffer as Buffer, length);
}
function onData(this: StreamSocket, bytes: Buffer): void {
  this[STREAM]!.received(bytes, bytes.length);
}
function onConnect(this: StreamSocket): void {
  this[STREAM]!.opened();
}
