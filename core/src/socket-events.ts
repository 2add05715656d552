import type { Socket } from 'node:net';
import type { ByteSink } from './byte-stream.ts';

/** Where a socket has its stream. */
export const STREAM: unique symbol = Symbol('outrigger.stream');
type StreamSocket = Socket & { [STREAM]?: SocketEvents<Socket> };

/** What every stream over a socket has in common: what the socket's events come to, and who is told. Bytes are its heirs' affair. */
export abstract class SocketEvents<S extends Socket> {
  readonly socket: S;
  protected sink: ByteSink | undefined = undefined;
  protected drainListener: (() => void) | undefined = undefined;
  protected paused = true;
  private closed = false;

  constructor(socket: S) {
    this.socket = socket;
    (socket as StreamSocket)[STREAM] = this;
    // Shared functions: a closure per socket and event would cost 400 bytes each.
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  abstract resume(): void;

  read(sink: ByteSink): void {
    this.sink = sink;
    if (this.paused) this.resume();
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  onDrain(listener: (() => void) | undefined): void {
    this.drainListener = listener;
  }

  keepAlive(idleMs: number): void {
    this.socket.setKeepAlive(true, idleMs);
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  // Called by the socket's events.

  drained(): void {
    this.drainListener?.();
  }

  ended(): void {
    this.sink?.end();
  }

  failed(error: Error): void {
    this.sink?.error(error);
  }

  gone(): void {
    if (this.closed) return;
    this.closed = true;
    const { sink } = this;
    this.sink = undefined;
    this.drainListener = undefined;
    sink?.closed();
  }
}

function onDrain(this: StreamSocket): void {
  this[STREAM]!.drained();
}
function onEnd(this: StreamSocket): void {
  this[STREAM]!.ended();
}
function onError(this: StreamSocket, error: Error): void {
  this[STREAM]!.failed(error);
}
function onClose(this: StreamSocket): void {
  this[STREAM]!.gone();
}
