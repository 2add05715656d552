import {
  type Cause,
  type Clock,
  describeCause,
  type Initiator,
  isSendableCloseCode,
  runningPlugin,
  type Side,
  Timer,
  type WebSocketControl,
} from '@outrigger/core';
import type { HttpSession } from '../http-session.ts';
import { Leg, type LegConnection } from './leg.ts';

/** How the bytes of an open WebSocket go from one side to the other. */
export interface Plane {
  readonly control: WebSocketControl;
  /** Lent bytes from `side`. */
  bytes(side: Side, b: Buffer, from: number, to: number): void;
  /** `side` sends nothing more. */
  end(side: Side): void;
  closed(side: Side, error: Error | undefined): void;
  /** `side` does not read what is written to it: it is given up. */
  cut(side: Side, cause: Cause): void;
  /** What was written to `side` is out. */
  drained(side: Side): void;
  /** Ends the session from our side, both ways: with what the cause says, or with `code` and `reason`. */
  closeFor(cause: Cause, code?: number, reason?: string): void;
  /** The same, without waiting for anything: a Close goes where one may stand, and both connections end. */
  endNow(cause: Cause): void;
}

/** Bytes of the reason of a Close (RFC 6455 §5.5). */
const MAX_REASON = 123;

/** After our Close, so long is waited for the peer's. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * What the frames and the messages plane have in common: the closing handshake of both legs, who began it and why, and the
 * end of the session, which comes when both legs are through with it, one is gone, or 5 s have passed.
 */
export abstract class ClosingPlane extends Timer implements Plane, WebSocketControl {
  protected readonly session: HttpSession;
  protected readonly clock: Clock;
  protected readonly downstream: Leg;
  protected readonly upstream: Leg;
  #cause: Cause | undefined;
  #initiator: Initiator | undefined;
  #over = false;

  constructor(session: HttpSession, clock: Clock, downstream: LegConnection, upstream: LegConnection) {
    super();
    this.session = session;
    this.clock = clock;
    this.downstream = new Leg('downstream', downstream, clock.now());
    this.upstream = new Leg('upstream', upstream, clock.now());
    this.downstream.peer = this.upstream;
    this.upstream.peer = this.downstream;
  }

  abstract ping(side: Side): void;
  abstract send(side: Side, data: Buffer | string, binary: boolean): void;
  /** Takes apart what came from `leg`. */
  protected abstract receive(leg: Leg, b: Buffer, from: number, to: number): void;
  /** Writes `leg.pendingClose` as soon as it may stand there, then calls {@link closeWritten}. `now`: between two fragments, too. */
  protected abstract flushClose(leg: Leg, now: boolean): void;
  /** Everything that the plane holds is to be let go. */
  protected release(): void {}

  get control(): WebSocketControl {
    return this;
  }

  get opaque(): boolean {
    return false;
  }

  protected leg(side: Side): Leg {
    return side === 'downstream' ? this.downstream : this.upstream;
  }

  protected get over(): boolean {
    return this.#over;
  }

  abstract pingSentAt(side: Side): number | undefined;

  lastByteAt(side: Side): number {
    return this.leg(side).lastByteAt;
  }

  buffered(side: Side): number {
    return this.leg(side).stream.buffered;
  }

  bytes(side: Side, b: Buffer, from: number, to: number): void {
    const leg = this.leg(side);
    leg.lastByteAt = this.clock.coarse();
    if (side === 'downstream') this.session.bytesReceived += to - from;
    if (!leg.over && leg.closeReceived === undefined) this.receive(leg, b, from, to);
  }

  end(side: Side): void {
    this.#gone(side, undefined);
  }

  closed(side: Side, error: Error | undefined): void {
    this.#gone(side, error);
  }

  cut(side: Side, cause: Cause): void {
    this.giveUp(side, cause);
  }

  drained(side: Side): void {
    const leg = this.leg(side);
    leg.connection.released();
    this.#letFlow(leg.peer);
  }

  /** `leg`'s target reads again. */
  protected resumed(leg: Leg): void {
    leg.stream.resume();
  }

  // Ours to close

  close(_side: Side, code: number, reason = ''): void {
    const plugin = runningPlugin() ?? this.session.plugin;
    this.closeFor(plugin === undefined ? 'plugin-closed' : `plugin:${plugin}`, code, reason);
  }

  closeFor(cause: Cause, code?: number, reason = reasonOf(cause)): void {
    if (code !== undefined && !isSendableCloseCode(code))
      throw new RangeError(`close: ${code} is not a close code that may be sent (RFC 6455 §7.4)`);
    if (Buffer.byteLength(reason) > MAX_REASON)
      throw new RangeError('close: the reason is over 123 bytes (RFC 6455 §5.5)');
    this.beginClose(cause, code ?? closeCodeOf(cause), reason, false);
  }

  giveUp(side: Side, cause: Cause): void {
    if (this.#over) return;
    const leg = this.leg(side);
    leg.stream.destroy(cause);
    if (this.#cause !== undefined || describeCause(cause).closeCode === 0) return this.#gone(side, undefined, cause);
    leg.over = true;
    leg.closeSent = 1006;
    this.#letFlow(leg.peer);
    // What it has begun will never be whole.
    this.beginClose(cause, closeCodeOf(cause), reasonOf(cause), true, side);
  }

  endNow(cause: Cause): void {
    if (this.#over) return;
    this.beginClose(cause, closeCodeOf(cause), reasonOf(cause), true);
    for (const leg of [this.downstream, this.upstream]) if (leg.pendingClose !== undefined) this.flushClose(leg, true);
    if (!this.#over) this.#finish(this.#cause!, this.#initiator!);
  }

  /** Sends a Close both ways. `now`: what is under way is broken, so that it is not waited for. */
  protected beginClose(cause: Cause, code: number, reason: string, now: boolean, initiator?: Initiator): void {
    if (this.#over || this.#cause !== undefined) return;
    this.#cause = cause;
    this.#initiator = initiator ?? (cause === 'complete' ? 'sidecar' : describeCause(cause).source);
    this.clock.arm(this, CLOSE_TIMEOUT_MS);
    for (const leg of [this.downstream, this.upstream]) {
      if (leg.closeSent !== undefined || leg.over) continue;
      leg.pendingClose = { code, reason };
      this.flushClose(leg, now);
    }
    this.#settle();
  }

  /** `leg` broke the protocol: both sides are closed with what `cause` says, and nothing more is taken from it. */
  protected broke(leg: Leg, kind: 'protocol' | 'utf8' | 'too-big'): void {
    const cause: Cause = `${leg.side}-websocket-${kind}`;
    const { closeCode } = describeCause(cause);
    leg.over = true;
    if (this.#cause === undefined) this.beginClose(cause, closeCode, reasonOf(cause), true, leg.side);
    this.#settle();
  }

  /** A Close of ours has gone to `leg`. */
  protected closeWritten(leg: Leg): void {
    leg.closeSent = leg.pendingClose!.code;
    leg.pendingClose = undefined;
    if (leg.side === 'downstream') this.session.closeCodeSent = leg.closeSent;
    this.#settle();
  }

  /** `leg` has sent a Close, and it was passed on where nobody had closed the other side before. */
  protected closePassed(leg: Leg, code: number, passedOn: boolean): void {
    leg.closeReceived = code;
    if (leg.side === 'downstream') this.session.closeCodeReceived = code;
    if (passedOn) {
      leg.peer.closeSent = code;
      if (leg.side === 'upstream') this.session.closeCodeSent = code;
    }
    if (this.#cause === undefined) {
      this.#cause = 'complete';
      this.#initiator = leg.side;
      this.clock.arm(this, CLOSE_TIMEOUT_MS);
    }
    this.#settle();
  }

  /** Whether what comes from `leg` still goes on: not after the other side was sent a Close. */
  protected delivers(leg: Leg): boolean {
    return leg.peer.closeSent === undefined;
  }

  /** The closing handshake takes too long; what has come while this timer was late is read first, for the Close may be among it. */
  expired(): void {
    setImmediate(() => this.#endHandshake());
  }

  #endHandshake(): void {
    if (this.#over) return;
    // A Close that waits for a message to be whole has waited long enough.
    for (const leg of [this.downstream, this.upstream]) if (leg.pendingClose !== undefined) this.flushClose(leg, true);
    if (this.#over) return;
    // Who asked for the close knows why it ended; that a peer did not answer is the cause only where nobody else gave one.
    if (this.#cause === 'complete') this.#finish('close-timeout', 'sidecar');
    else this.#finish(this.#cause!, this.#initiator!);
  }

  /** The session is over when each leg has both sent and got its Close, or is over anyway. */
  #settle(): void {
    const through = (leg: Leg) => leg.closeSent !== undefined && (leg.closeReceived !== undefined || leg.over);
    if (this.#cause !== undefined && through(this.downstream) && through(this.upstream))
      this.#finish(this.#cause, this.#initiator!);
  }

  /** A leg went. Before its closing handshake was over that is an end of its own; the other side is cut as it was. */
  #gone(side: Side, error: Error | undefined, cause?: Cause): void {
    const leg = this.leg(side);
    leg.over = true;
    if (this.#over) return;
    if (this.#cause === undefined) {
      const reset = (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET';
      this.#finish(
        cause ?? (side === 'upstream' ? 'upstream-closed' : reset ? 'downstream-reset' : 'downstream-closed'),
        side,
        error,
      );
      return;
    }
    // In the closing handshake: the other leg still gets, and gives, its Close.
    leg.pendingClose = undefined;
    leg.closeSent ??= 1006;
    this.#letFlow(leg.peer);
    this.#settle();
  }

  /** Its target reads nothing any more: what comes is not held up by it, for a Close may be among it. */
  #letFlow(leg: Leg): void {
    if (!leg.paused) return;
    leg.paused = false;
    this.resumed(leg);
  }

  #finish(cause: Cause, initiator: Initiator, error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.clock.disarm(this);
    this.release();
    const { closeSent, closeReceived } = this.upstream;
    this.session.finish(cause, {
      initiator,
      error,
      upstreamCloseCodeSent: closeSent === 1006 ? undefined : closeSent,
      upstreamCloseCodeReceived: closeReceived,
    });
    for (const leg of [this.downstream, this.upstream]) leg.connection.close(cause);
  }
}

/** The code for both sides where a cause ends a WebSocket. */
function closeCodeOf(cause: Cause): number {
  const { closeCode } = describeCause(cause);
  return closeCode === 0 ? 1011 : closeCode;
}

/** What stands beside the code: the cause, for who reads the log of a client. */
function reasonOf(cause: Cause): string {
  return cause.length <= MAX_REASON ? cause : '';
}
