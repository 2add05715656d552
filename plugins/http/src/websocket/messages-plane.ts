import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Awaitable, Clock, Close, Message, Side } from '@outrigger/core';
import type { HttpSession } from '../http-session.ts';
import { BINARY, FrameHeader, PING, PONG, TEXT } from './frame.ts';
import type { Leg, LegConnection } from './leg.ts';
import { ClosingPlane } from './plane.ts';
import { extension, PerMessageDeflate, Receiver, Sender } from './ws-parts.ts';

const header = new FrameHeader();
const NOTHING: Buffer = Buffer.alloc(0);
const PING_BYTES = 8;

/** What is kept of a leg's bytes while a hook or its target makes it wait, before its socket is paused. */
const MAX_INBOX = 64 * 1024;

/** ws's own limits against messages in a myriad of pieces. */
const MAX_FRAGMENTS = 131_072;
const MAX_CHUNKS = 1_048_576;

/** One leg taken apart and put together: what comes from it, and what goes to it. */
class Ends {
  readonly leg: Leg;
  readonly receiver: Receiver;
  readonly sender: Sender;
  readonly deflate: PerMessageDeflate | undefined;
  inbox = NOTHING;
  /** Bytes of the frame under way that the receiver has not had yet. */
  frameLeft = 0;
  /** The receiver is at work, or a hook thinks about a message. */
  writing = false;
  waiting = false;
  /** Messages for this leg that are being compressed. */
  compressing = 0;
  ping: Buffer | undefined = undefined;
  pingedAt = 0;

  constructor(leg: Leg, receiver: Receiver, sender: Sender, deflate: PerMessageDeflate | undefined) {
    this.leg = leg;
    this.receiver = receiver;
    this.sender = sender;
    this.deflate = deflate;
  }
}

/**
 * Takes the messages out of their frames, shows them to the hooks, and frames them again: ws's receiver and sender on both
 * legs, permessage-deflate ended on each. Frames are given to the receiver one by one, so that a hook that thinks about a
 * message holds up what comes behind it, a Close included.
 */
export class MessagesPlane extends ClosingPlane {
  readonly #down: Ends;
  readonly #up: Ends;

  constructor(
    session: HttpSession,
    clock: Clock,
    downstream: LegConnection,
    upstream: LegConnection,
    options: { extensions: string; maxMessageSize: number },
  ) {
    super(session, clock, downstream, upstream);
    this.#down = this.#ends(this.downstream, options);
    this.#up = this.#ends(this.upstream, options);
  }

  ping(side: Side): void {
    const ends = this.#of(this.leg(side));
    if (this.over || !this.#open(ends.leg) || ends.ping !== undefined) return;
    ends.ping = randomFillSync(Buffer.allocUnsafe(PING_BYTES));
    ends.pingedAt = this.clock.now();
    ends.sender.ping(ends.ping, side === 'upstream');
  }

  pingSentAt(side: Side): number | undefined {
    const { ping, pingedAt } = this.#of(this.leg(side));
    return ping === undefined ? undefined : pingedAt;
  }

  send(side: Side, data: Buffer | string, binary: boolean): void {
    const ends = this.#of(this.leg(side));
    if (!this.over && this.#open(ends.leg))
      this.#send(ends, typeof data === 'string' ? Buffer.from(data, 'utf8') : data, binary);
  }

  protected receive(leg: Leg, b: Buffer, from: number, to: number): void {
    const ends = this.#of(leg);
    ends.inbox =
      ends.inbox.length === 0 ? Buffer.from(b.subarray(from, to)) : Buffer.concat([ends.inbox, b.subarray(from, to)]);
    this.#work(ends);
    if (ends.inbox.length > MAX_INBOX) leg.stream.pause();
  }

  protected override resumed(leg: Leg): void {
    this.#work(this.#of(leg));
  }

  protected flushClose(leg: Leg, now: boolean): void {
    const from = this.#of(leg.peer);
    if (!now && (from.writing || from.waiting) && !leg.peer.over) return;
    const { code, reason } = leg.pendingClose!;
    this.#of(leg).sender.close(code, Buffer.from(reason, 'utf8'), leg.side === 'upstream', ignore);
    this.closeWritten(leg);
  }

  protected override release(): void {
    for (const ends of [this.#down, this.#up]) {
      ends.inbox = NOTHING;
      ends.receiver.removeAllListeners();
      ends.receiver.on('error', ignore);
      this.#idle(ends);
    }
  }

  /** Lets go of zlib's streams, which must not be closed at work: ws takes their callbacks for granted. */
  #idle(ends: Ends): void {
    if (this.over && !ends.writing && ends.compressing === 0) ends.deflate?.cleanup();
  }

  #ends(leg: Leg, { extensions, maxMessageSize }: { extensions: string; maxMessageSize: number }): Ends {
    const isServer = leg.side === 'downstream';
    const maxPayload = Math.min(maxMessageSize, 0x7fff_ffff);
    const agreed = extensions === '' ? undefined : extension.parse(extensions)[PerMessageDeflate.extensionName];
    let deflate: PerMessageDeflate | undefined;
    if (agreed !== undefined) {
      // The endpoint has answered the client's own offer, so both legs hold to the same parameters.
      deflate = new PerMessageDeflate({ isServer, maxPayload });
      const asClient = new PerMessageDeflate({ isServer: false, maxPayload });
      deflate.params = asClient.accept(agreed);
    }
    const active = deflate === undefined ? {} : { [PerMessageDeflate.extensionName]: deflate };
    const receiver = new Receiver({
      isServer,
      maxPayload,
      extensions: active,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_CHUNKS,
    });
    const sender = new Sender(this.#outlet(leg), active);
    const ends = new Ends(leg, receiver, sender, deflate);
    receiver.on('message', (data: Buffer, binary: boolean) => this.#message(ends, data, binary));
    receiver.on('ping', (data: Buffer) => {
      if (!this.#open(leg.peer)) return;
      this.session.messageTally?.count(leg.side, PING, data.length);
      this.#of(leg.peer).sender.ping(data, leg.peer.side === 'upstream');
    });
    receiver.on('pong', (data: Buffer) => this.#pong(ends, data));
    receiver.on('conclude', (code: number, reason: Buffer) => this.#conclude(ends, code, reason));
    receiver.on('error', (error: NodeJS.ErrnoException) => this.broke(leg, kindOf(error)));
    return ends;
  }

  /** What ws's sender takes for a socket. */
  #outlet(leg: Leg): Socket {
    const write = (data: Buffer | string, done?: (error?: Error) => void) => {
      const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
      if (leg.side === 'downstream') this.session.bytesSent += bytes.length;
      if (!leg.stream.write(bytes) && !leg.peer.paused) {
        leg.peer.paused = true;
        leg.connection.stalled();
      }
      done?.();
      return true;
    };
    const gone = () => leg.stream.destroyed || this.over;
    const outlet = {
      cork: ignore,
      uncork: ignore,
      write,
      get destroyed() {
        return gone();
      },
    };
    return outlet as unknown as Socket;
  }

  /** Gives the receiver the next frame, as long as nobody has to be waited for. */
  #work(ends: Ends): void {
    const { leg } = ends;
    const target = this.#of(leg.peer);
    const waits = () => ends.writing || ends.waiting || target.compressing > 0;
    while (!waits() && !leg.paused && !leg.over && leg.closeReceived === undefined) {
      if (ends.frameLeft === 0) {
        const size = header.read(ends.inbox, 0, ends.inbox.length);
        if (size === -1) return this.broke(leg, 'protocol');
        if (size === 0) break;
        ends.frameLeft = size + header.length;
      }
      if (ends.inbox.length === 0) break;
      const piece = ends.inbox.subarray(0, ends.frameLeft);
      ends.inbox = ends.inbox.subarray(piece.length);
      ends.frameLeft -= piece.length;
      ends.writing = true;
      ends.receiver.write(piece, () => {
        ends.writing = false;
        if (this.over) this.#idle(ends);
        else this.#work(ends);
      });
    }
    if (waits() || this.over) return;
    if (leg.peer.pendingClose !== undefined) this.flushClose(leg.peer, false);
    if (!leg.paused && ends.inbox.length <= MAX_INBOX) leg.stream.resume();
  }

  #message(ends: Ends, data: Buffer, binary: boolean): void {
    const { session } = this;
    if (!this.delivers(ends.leg)) {
      session.undelivered++;
      return;
    }
    const message: Message = { from: ends.leg.side, binary, data };
    const verdict: Awaitable<undefined | 'drop' | Close> = session.hooks.onMessage!(session, message);
    if (verdict === undefined || verdict === 'drop' || !('then' in verdict))
      return this.#decided(ends, message, verdict);
    ends.waiting = true;
    void verdict.then((late) => {
      ends.waiting = false;
      if (this.over) return;
      this.#decided(ends, message, late);
      this.#work(ends);
    });
  }

  #decided(ends: Ends, message: Message, verdict: undefined | 'drop' | Close): void {
    const { leg } = ends;
    if (verdict === 'drop' || this.over) return;
    if (verdict !== undefined) {
      this.session.plugin = verdict.plugin;
      const cause = verdict.plugin === undefined ? 'internal' : (`plugin:${verdict.plugin}` as const);
      return this.beginClose(cause, verdict.code, verdict.reason, true, 'sidecar');
    }
    if (!this.delivers(leg)) {
      this.session.undelivered++;
      return;
    }
    this.session.countMessage(leg.side, message.binary ? BINARY : TEXT, message.data.length);
    this.#send(this.#of(leg.peer), message.data, message.binary);
  }

  #send(to: Ends, data: Buffer, binary: boolean): void {
    const mask = to.leg.side === 'upstream';
    if (to.deflate === undefined) return to.sender.send(data, { binary, compress: false, fin: true, mask }, ignore);
    // Inflating is faster than compressing: without waiting, inflated messages would pile up.
    to.compressing++;
    to.sender.send(data, { binary, compress: true, fin: true, mask }, () => {
      to.compressing--;
      if (this.over) this.#idle(to);
      else this.#work(this.#of(to.leg.peer));
    });
  }

  #pong(ends: Ends, data: Buffer): void {
    const { leg } = ends;
    if (ends.ping?.equals(data)) {
      ends.ping = undefined;
      this.session.hooks.onPong?.(this.session, leg.side, this.clock.now() - ends.pingedAt);
    } else if (this.#open(leg.peer)) {
      this.session.messageTally?.count(leg.side, PONG, data.length);
      this.#of(leg.peer).sender.pong(data, leg.peer.side === 'upstream');
    }
  }

  #conclude(ends: Ends, code: number, reason: Buffer): void {
    const { leg } = ends;
    const passes = this.delivers(leg);
    if (passes) {
      leg.peer.pendingClose = undefined;
      this.#of(leg.peer).sender.close(code === 1005 ? undefined : code, reason, leg.peer.side === 'upstream', ignore);
    }
    this.closePassed(leg, code, passes);
  }

  /** Whether frames of ours may still go to it. */
  #open(leg: Leg): boolean {
    return leg.closeSent === undefined && leg.pendingClose === undefined && !leg.over;
  }

  #of(leg: Leg): Ends {
    return leg.side === 'downstream' ? this.#down : this.#up;
  }
}

function kindOf(error: NodeJS.ErrnoException): 'protocol' | 'utf8' | 'too-big' {
  if (error.code === 'WS_ERR_INVALID_UTF8') return 'utf8';
  return error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too-big' : 'protocol';
}

function ignore(): void {}
