import type { ByteStream, Cause, Side } from '@outrigger/core';

/** A connection that carries one side of a WebSocket, as its plane sees it. */
export interface LegConnection {
  readonly stream: ByteStream;
  /** A write is waiting: the peer has to read within `timeouts.write`. */
  stalled(): void;
  /** It has. */
  released(): void;
  /** Sends what is queued, then a FIN, and reads on for a moment. */
  close(cause: Cause): void;
}

/** One side of an open WebSocket. */
export class Leg {
  readonly side: Side;
  readonly connection: LegConnection;
  peer!: Leg;
  lastByteAt: number;
  /** The code of the Close that came from this side; 1005 for one without. Undefined: none came. */
  closeReceived: number | undefined = undefined;
  /** The code of the Close that went to this side. */
  closeSent: number | undefined = undefined;
  /** A Close of ours that waits until what is under way has gone out. */
  pendingClose: { readonly code: number; readonly reason: string } | undefined = undefined;
  /** Nothing is expected from it any more: it has gone, or broke the protocol. */
  over = false;
  paused = false;

  constructor(side: Side, connection: LegConnection, now: number) {
    this.side = side;
    this.connection = connection;
    this.lastByteAt = now;
  }

  get stream(): ByteStream {
    return this.connection.stream;
  }
}
