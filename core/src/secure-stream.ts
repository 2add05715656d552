import type { TLSSocket } from 'node:tls';
import type { ByteStream } from './byte-stream.ts';
import type { Cause } from './cause.ts';
import { type Handle, handleOf, readDirectly, type WriteRequest, writeRequest } from './direct-io.ts';
import { latin1 } from './latin1.ts';
import { type Sender, sendAtTurnsEnd } from './outbox.ts';
import { SocketEvents, STREAM } from './socket-events.ts';

/** Up to here a head and what follows it go as one string, and wait for the end of the turn. */
const STRING_WRITE = 4 * 1024;

/** From so many bytes on that wait, `write` returns false: as net.Socket has it. */
const HIGH_WATER = 64 * 1024;

type StreamSocket = TLSSocket & { [STREAM]?: SecureStream };
type SecureHandle = Handle & { readonly _parent?: Handle };
type SecureRequest = WriteRequest & { stream?: SecureStream; length?: number };

let scratch = Buffer.allocUnsafeSlow(96 * 1024);

/**
 * A TLS socket that reads into the shared buffer, and writes to the handle (see {@link secureStream}). Two things are other than
 * with a plain socket: the handle goes on with what it has decrypted when it is told to stop, and it ends the process where it
 * is given a write while one is under way; it copies what it is given.
 */
export class SecureStream extends SocketEvents<TLSSocket> implements ByteStream, Sender {
  /** What came while paused, and whether the peer's end came behind it. */
  #held: Buffer[] | undefined;
  #endHeld = false;
  /** Bytes of the write that is under way. */
  #writing = 0;
  /** What waits behind it, or for the end of the event loop's turn. */
  #queue: (Buffer | string)[] = [];
  #queued = 0;
  #ending = false;
  #full = false;
  #sent = 0;

  constructor(socket: TLSSocket) {
    super(socket);
    socket.pause();
    const early = socket.read() as Buffer | null;
    if (early !== null) this.#held = [early];
    readDirectly(socket, onSharedRead as never);
  }

  write(data: Buffer | string): boolean {
    if (this.destroyed || this.#ending) return true;
    if (data.length === 0) return !this.#full;
    // What was written before the handshake was done.
    if (this.socket.writableLength > 0 || (this.socket as { secureConnecting?: boolean }).secureConnecting)
      return typeof data === 'string' ? this.socket.write(data, 'latin1') : this.socket.write(Buffer.from(data));
    if (this.#writing === 0 && this.#queued === 0 && (typeof data !== 'string' || data.length > STRING_WRITE)) {
      this.#toHandle(data);
      return true;
    }
    this.#queue.push(typeof data === 'string' ? data : Buffer.from(data));
    this.#queued += data.length;
    if (this.#writing === 0) {
      if (this.#queued > STRING_WRITE) this.flush();
      else if (this.#queue.length === 1) sendAtTurnsEnd(this);
      return true;
    }
    this.#full = this.#queued >= HIGH_WATER;
    return !this.#full;
  }

  flush(): void {
    if (this.#writing > 0 || this.#queued === 0 || this.destroyed) return;
    const queue = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    this.#toHandle(queue.length === 1 ? queue[0]! : joined(queue));
  }

  writeLent(buffer: Buffer, from: number, to: number, head = ''): boolean {
    if (this.destroyed) return true;
    if (head === '') return this.write(buffer.subarray(from, to));
    const length = head.length + to - from;
    if (length <= STRING_WRITE) return this.write(head + latin1(buffer, from, to));
    if (length > scratch.length) scratch = Buffer.allocUnsafeSlow(length);
    scratch.write(head, 0, 'latin1');
    buffer.copy(scratch, head.length, from, to);
    return this.write(scratch.subarray(0, length));
  }

  resume(): void {
    if (!this.paused || this.destroyed) return;
    this.paused = false;
    if (this.#held === undefined && !this.#endHeld) this.socket.resume();
    else process.nextTick(release, this);
  }

  end(): void {
    if (this.destroyed || this.#ending) return;
    this.#ending = true;
    this.flush();
    if (this.#writing === 0) this.socket.end();
  }

  closeWhenSent(): boolean {
    // TLS has a last word of its own (close_notify).
    return false;
  }

  destroy(_cause: Cause): void {
    this.flush();
    this.socket.destroy();
  }

  /** A reset is TCP's. */
  reset(cause: Cause): void {
    this.destroy(cause);
  }

  get buffered(): number {
    return this.socket.writableLength + this.#writing + this.#queued;
  }

  get sent(): number {
    // The socket below knows what has gone of a write that is under way.
    const below = (handleOf(this.socket) as SecureHandle | undefined)?._parent;
    return below === undefined ? this.#sent : below.bytesWritten - below.writeQueueSize;
  }

  // Called by the socket's events, which are shared functions.

  received(buffer: Buffer, length: number): boolean {
    if (this.paused || this.#held !== undefined) {
      this.#held ??= [];
      this.#held.push(Buffer.from(buffer.subarray(0, length)));
    } else this.sink?.bytes(buffer, 0, length);
    return !this.paused;
  }

  /** What was held goes on, unless it was paused again. */
  release(): void {
    while (this.#held !== undefined && !this.paused) {
      const bytes = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = undefined;
      this.sink?.bytes(bytes, 0, bytes.length);
    }
    if (this.paused || this.destroyed) return;
    if (this.#endHeld) {
      this.#endHeld = false;
      this.sink?.end();
    } else this.socket.resume();
  }

  written(length: number, status: number): void {
    this.#writing = 0;
    this.#sent += length;
    if (this.destroyed) return;
    if (status !== 0) {
      this.socket.destroy(writeFailed());
      return;
    }
    if (this.#queued > 0) this.flush();
    else if (this.#ending) this.socket.end();
    if (this.#full) {
      this.#full = false;
      this.drainListener?.();
    }
  }

  override ended(): void {
    if (this.#held !== undefined) this.#endHeld = true;
    else super.ended();
  }

  override gone(): void {
    this.#held = undefined;
    super.gone();
  }

  #toHandle(data: Buffer | string): void {
    const handle = handleOf(this.socket) as Handle;
    const request: SecureRequest = writeRequest();
    request.stream = this;
    request.length = data.length;
    request.oncomplete = onWritten;
    this.#writing = data.length;
    const error =
      typeof data === 'string' ? handle.writeLatin1String(request, data) : handle.writeBuffer(request, data);
    if (error !== 0) this.socket.destroy(writeFailed());
  }
}

function joined(parts: readonly (Buffer | string)[]): Buffer | string {
  if (parts.every((part) => typeof part === 'string')) return parts.join('');
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** Nothing more is known: what OpenSSL or the socket below has said is gone by then. */
function writeFailed(): Error {
  return Object.assign(new Error('write EPIPE (the peer has left)'), { code: 'EPIPE', syscall: 'write' });
}

function onSharedRead(this: StreamSocket, length: number, buffer: Uint8Array): boolean {
  return this[STREAM]!.received(buffer as Buffer, length);
}
function onWritten(this: SecureRequest, status: number): void {
  this.stream!.written(this.length!, status);
}
function release(stream: SecureStream): void {
  stream.release();
}
