import { type Cause, type Clock, runningPlugin, type Side, type WebSocketControl } from '@outrigger/core';
import type { HttpSession } from '../http-session.ts';
import { Leg, type LegConnection } from './leg.ts';
import type { Plane } from './plane.ts';

/** Nobody can ping in here: the kernel looks for dead peers after this silence, well within what load balancers allow. */
const TCP_KEEPALIVE_MS = 25_000;

/** An opaque tunnel: nothing is read, so nothing can be counted, pinged or closed but by its end. Chosen by configuration. */
export class BytesPlane implements Plane, WebSocketControl {
  readonly opaque = true;
  readonly #session: HttpSession;
  readonly #clock: Clock;
  readonly #downstream: Leg;
  readonly #upstream: Leg;
  #over = false;

  constructor(session: HttpSession, clock: Clock, downstream: LegConnection, upstream: LegConnection) {
    this.#session = session;
    this.#clock = clock;
    this.#downstream = new Leg('downstream', downstream, clock.now());
    this.#upstream = new Leg('upstream', upstream, clock.now());
    this.#downstream.peer = this.#upstream;
    this.#upstream.peer = this.#downstream;
    downstream.stream.keepAlive(TCP_KEEPALIVE_MS);
    upstream.stream.keepAlive(TCP_KEEPALIVE_MS);
  }

  get control(): WebSocketControl {
    return this;
  }

  /** Not on this plane. */
  ping(): void {}
  /** Not on this plane. */
  pingSentAt(): undefined {}
  /** Not on this plane. */
  send(): void {}

  lastByteAt(side: Side): number {
    return this.#leg(side).lastByteAt;
  }

  buffered(side: Side): number {
    return this.#leg(side).stream.buffered;
  }

  bytes(side: Side, b: Buffer, from: number, to: number): void {
    const leg = this.#leg(side);
    leg.lastByteAt = this.#clock.now();
    if (this.#over) return;
    if (side === 'downstream') this.#session.bytesReceived += to - from;
    else this.#session.bytesSent += to - from;
    if (!leg.peer.stream.writeLent(b, from, to) && !leg.paused) {
      leg.paused = true;
      leg.stream.pause();
      leg.peer.connection.stalled();
    }
  }

  end(side: Side): void {
    this.#finish(side === 'downstream' ? 'downstream-closed' : 'upstream-closed', side);
  }

  closed(side: Side, error: Error | undefined): void {
    const reset = (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET';
    this.#finish(
      side === 'upstream' ? 'upstream-closed' : reset ? 'downstream-reset' : 'downstream-closed',
      side,
      error,
    );
  }

  cut(side: Side, cause: Cause): void {
    this.#leg(side).stream.destroy(cause);
    this.#finish(cause, side);
  }

  drained(side: Side): void {
    const leg = this.#leg(side);
    leg.connection.released();
    if (!leg.peer.paused) return;
    leg.peer.paused = false;
    leg.peer.stream.resume();
  }

  giveUp(side: Side, cause: Cause): void {
    this.cut(side, cause);
  }

  /** Cuts both sides: no frame of ours can stand in a tunnel that we do not read. */
  closeFor(cause: Cause): void {
    this.#finish(cause, 'sidecar');
  }

  endNow(cause: Cause): void {
    this.#finish(cause, 'sidecar');
  }

  close(): void {
    const plugin = runningPlugin();
    this.#finish(plugin === undefined ? 'plugin-closed' : `plugin:${plugin}`, 'sidecar');
  }

  #leg(side: Side): Leg {
    return side === 'downstream' ? this.#downstream : this.#upstream;
  }

  #finish(cause: Cause, initiator: Side | 'sidecar', error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#session.finish(cause, { initiator, error });
    this.#downstream.connection.close(cause);
    this.#upstream.connection.close(cause);
  }
}
