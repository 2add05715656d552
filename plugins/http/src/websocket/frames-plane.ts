import { randomFillSync } from 'node:crypto';
import { type Clock, isSendableCloseCode, type Side } from '@outrigger/core';
import type { HttpSession } from '../http-session.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closePayload,
  encodeFrame,
  FrameHeader,
  MAX_CONTROL_PAYLOAD,
  PING,
  PONG,
  TEXT,
} from './frame.ts';
import type { Leg, LegConnection } from './leg.ts';
import { ClosingPlane } from './plane.ts';

const header = new FrameHeader();

/** The longest header and the longest control payload. */
const MAX_PARTIAL = 14 + MAX_CONTROL_PAYLOAD;
const PING_BYTES = 8;

/** What is known of the frames that come from one leg. */
class Incoming {
  /** Bytes of the current data frame that have not come yet. */
  left = 0;
  /** Whether the current data frame is the last of its message. */
  fin = true;
  /** Within a fragmented message: the next data frame continues it. */
  fragmented = false;
  messageOpcode = 0;
  messageSize = 0;
  /** A header, or a control frame, that came in pieces. */
  partial: Buffer | undefined = undefined;
  partialLength = 0;
  /** Messages of ours for this leg, waiting for the other's current one to end. */
  messages: Buffer[] | undefined = undefined;
  /** The payload of our Ping that has no Pong yet. */
  ping: Buffer | undefined = undefined;
  /** When it went out; -1 while it waits for the other's current frame to end. */
  pingedAt = -1;
}

/**
 * Reads the headers of frames and passes payloads through as they are, masked or compressed: so it can count, check, ping
 * and close at the boundaries of frames without touching a message. RFC 6455 §5 is enforced on what it sees.
 */
export class FramesPlane extends ClosingPlane {
  readonly #maxMessageSize: number;
  /** Whether an extension was agreed on: then it may use the reserved bits. */
  readonly #extended: boolean;
  readonly #down = new Incoming();
  readonly #up = new Incoming();

  constructor(
    session: HttpSession,
    clock: Clock,
    downstream: LegConnection,
    upstream: LegConnection,
    options: { extensions: string; maxMessageSize: number },
  ) {
    super(session, clock, downstream, upstream);
    this.#extended = options.extensions !== '';
    this.#maxMessageSize = options.maxMessageSize;
  }

  ping(side: Side): void {
    const leg = this.leg(side);
    const state = this.#of(leg);
    if (this.over || leg.closeSent !== undefined || leg.pendingClose !== undefined || state.ping !== undefined) return;
    state.ping = randomFillSync(Buffer.allocUnsafe(PING_BYTES));
    state.pingedAt = -1;
    this.#flush(leg);
  }

  pingSentAt(side: Side): number | undefined {
    const { ping, pingedAt } = this.#of(this.leg(side));
    return ping === undefined || pingedAt === -1 ? undefined : pingedAt;
  }

  send(side: Side, data: Buffer | string, binary: boolean): void {
    const leg = this.leg(side);
    if (this.over || leg.closeSent !== undefined || leg.pendingClose !== undefined) return;
    const payload = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    const state = this.#of(leg);
    state.messages ??= [];
    state.messages.push(encodeFrame(binary ? BINARY : TEXT, payload, side === 'upstream'));
    this.#flush(leg);
  }

  protected receive(leg: Leg, b: Buffer, from: number, to: number): void {
    const state = this.#of(leg);
    /** Start of what passes on, in one write, when something has to come between or the bytes are at their end. */
    let pass = from;
    let i = from;
    while (i < to) {
      if (state.left > 0) {
        const end = to - i < state.left ? to : i + state.left;
        state.left -= end - i;
        i = end;
        if (state.left > 0) break;
        if (this.#frameEnded(leg, state)) {
          this.#pass(leg, b, pass, i);
          this.#flush(leg.peer);
          pass = i;
        }
        continue;
      }
      if (state.partialLength > 0) {
        i = this.#completePartial(leg, state, b, i, to);
        pass = i;
        if (this.over || leg.over || leg.closeReceived !== undefined) return;
      } else {
        const size = this.#frame(leg, state, b, i, to);
        if (size === 0) {
          this.#pass(leg, b, pass, i);
          state.partial ??= Buffer.allocUnsafe(MAX_PARTIAL);
          state.partialLength = b.copy(state.partial, 0, i, to);
          return;
        }
        if (this.#after !== undefined) {
          // A Close, or the end of the protocol: what stands before it goes first, and nothing comes behind it.
          this.#pass(leg, b, pass, size > 0 ? i + size : i);
          return this.#runAfter();
        }
        if (size > 0) {
          i += size;
          // A frame without payload ends with its header.
          if (state.left === 0 && header.opcode < CLOSE && this.#frameEnded(leg, state)) {
            this.#pass(leg, b, pass, i);
            this.#flush(leg.peer);
            pass = i;
          }
        } else {
          // Swallowed: what came before passes on, this does not.
          this.#pass(leg, b, pass, i);
          i -= size;
          pass = i;
          this.#ponged(leg);
          if (this.over) return;
        }
      }
    }
    this.#pass(leg, b, pass, to);
  }

  /**
   * Reads the frame at `i`: the bytes that pass on (its header, a whole control frame), negated where they do not, 0 where
   * more are needed.
   */
  #frame(leg: Leg, state: Incoming, b: Buffer, i: number, to: number): number {
    const size = header.read(b, i, to);
    if (size === 0) return 0;
    const { opcode, length, fin } = header;
    const control = opcode >= CLOSE;
    if (
      size === -1 ||
      header.masked !== (leg.side === 'downstream') ||
      (header.rsv !== 0 && (!this.#extended || control)) ||
      (control
        ? opcode > PONG || !fin || length > MAX_CONTROL_PAYLOAD
        : opcode > BINARY || (opcode === CONTINUATION) !== state.fragmented)
    ) {
      return this.#breaks(leg, 'protocol');
    }
    if (control) return to - i < size + length ? 0 : this.#control(leg, state, b, i, size);
    if (opcode !== CONTINUATION) {
      state.messageOpcode = opcode;
      state.messageSize = 0;
    }
    state.messageSize += length;
    if (state.messageSize > this.#maxMessageSize) return this.#breaks(leg, 'too-big');
    state.left = length;
    state.fin = fin;
    state.fragmented = !fin;
    return size;
  }

  /** A whole control frame: the bytes that pass on, negated where it is swallowed. */
  #control(leg: Leg, state: Incoming, b: Buffer, i: number, size: number): number {
    const { opcode, length } = header;
    const total = size + length;
    if (
      opcode === PONG &&
      state.ping !== undefined &&
      length === PING_BYTES &&
      this.#payload(b, i, size, length).equals(state.ping)
    ) {
      state.ping = undefined;
      this.#pong = this.clock.now() - state.pingedAt;
      return -total;
    }
    if (opcode !== CLOSE) {
      if (!this.delivers(leg)) return -total;
      this.session.messageTally?.count(leg.side, opcode, length);
      return total;
    }

    let code = 1005;
    if (length === 1) return this.#breaks(leg, 'protocol');
    if (length >= 2) {
      const payload = this.#payload(b, i, size, length);
      code = payload.readUInt16BE(0);
      if (!isSendableCloseCode(code)) return this.#breaks(leg, 'protocol');
    }
    const passes = this.delivers(leg);
    if (passes) {
      // Ours must not come behind a Close.
      const other = this.#of(leg.peer);
      if (other.pingedAt === -1) other.ping = undefined;
      other.messages = undefined;
      leg.peer.pendingClose = undefined;
    }
    this.#after = () => this.closePassed(leg, code, passes);
    return passes ? total : -total;
  }

  /** The round trip of a Ping of ours that has just been answered. */
  #pong: number | undefined;

  /** Tells the hooks, which may send: so nothing that stands before the Pong may be unwritten. */
  #ponged(leg: Leg): void {
    const rtt = this.#pong;
    this.#pong = undefined;
    if (rtt !== undefined) this.session.hooks.onPong?.(this.session, leg.side, rtt);
  }

  /** What is to be done about a frame once the bytes before it have been written. */
  #after: (() => void) | undefined;

  #runAfter(): void {
    const after = this.#after!;
    this.#after = undefined;
    after();
  }

  #breaks(leg: Leg, kind: 'protocol' | 'too-big'): number {
    this.#after = () => this.broke(leg, kind);
    return -1;
  }

  /** A frame that came in pieces: takes what is missing from `b`, and passes it on when it is whole. */
  #completePartial(leg: Leg, state: Incoming, b: Buffer, from: number, to: number): number {
    const partial = state.partial!;
    let i = from;
    while (i < to) {
      // Byte by byte: this is rare, and short.
      partial[state.partialLength++] = b[i++]!;
      const size = this.#frame(leg, state, partial, 0, state.partialLength);
      if (size === 0) continue;
      const length = state.partialLength;
      state.partialLength = 0;
      if (size > 0) {
        this.#pass(leg, partial, 0, length);
        if (this.#after === undefined && state.left === 0 && header.opcode < CLOSE && this.#frameEnded(leg, state))
          this.#flush(leg.peer);
      }
      if (this.#after !== undefined) this.#runAfter();
      else this.#ponged(leg);
      return i;
    }
    return i;
  }

  /** A data frame is complete. True where frames of ours may want to go in behind it. */
  #frameEnded(leg: Leg, state: Incoming): boolean {
    if (state.fin) {
      if (!this.delivers(leg)) this.session.undelivered++;
      else this.session.countMessage(leg.side, state.messageOpcode, state.messageSize);
    }
    const other = this.#of(leg.peer);
    return (
      (other.ping !== undefined && other.pingedAt === -1) ||
      other.messages !== undefined ||
      leg.peer.pendingClose !== undefined
    );
  }

  /** Writes what passes from `leg` to the other side. */
  #pass(leg: Leg, b: Buffer, from: number, to: number): void {
    if (to === from || !this.delivers(leg)) return;
    const target = leg.peer;
    if (target.side === 'downstream') this.session.bytesSent += to - from;
    if (!target.stream.writeLent(b, from, to) && !leg.paused) {
      leg.paused = true;
      leg.stream.pause();
      target.connection.stalled();
    }
  }

  /** Writes our own frames for `leg`, where the other's frames leave room for them. */
  #flush(leg: Leg): void {
    const state = this.#of(leg);
    const other = this.#of(leg.peer);
    if (other.left > 0 || leg.closeSent !== undefined) return;
    if (state.ping !== undefined && state.pingedAt === -1) {
      state.pingedAt = this.clock.now();
      this.#write(leg, encodeFrame(PING, state.ping, leg.side === 'upstream'));
    }
    if (other.fragmented) return;
    const { messages } = state;
    state.messages = undefined;
    if (messages !== undefined) for (const frame of messages) this.#write(leg, frame);
    if (leg.pendingClose !== undefined) this.flushClose(leg, false);
  }

  protected flushClose(leg: Leg, now: boolean): void {
    const other = this.#of(leg.peer);
    if (other.left > 0 || (other.fragmented && !now)) {
      if (now) {
        // The frame under way will never be whole: no Close can stand behind it.
        leg.pendingClose = undefined;
        leg.closeSent = 1006;
        leg.over = true;
      }
      return;
    }
    const { code, reason } = leg.pendingClose!;
    this.#write(leg, encodeFrame(CLOSE, closePayload(code, reason), leg.side === 'upstream'));
    this.closeWritten(leg);
  }

  /** A frame of ours. */
  #write(leg: Leg, frame: Buffer): void {
    if (leg.side === 'downstream') this.session.bytesSent += frame.length;
    leg.stream.write(frame);
  }

  #of(leg: Leg): Incoming {
    return leg.side === 'downstream' ? this.#down : this.#up;
  }

  #payload(b: Buffer, i: number, size: number, length: number): Buffer {
    const payload = Buffer.from(b.subarray(i + size, i + size + length));
    if (header.masked) for (let k = 0; k < length; k++) payload[k]! ^= b[i + size - 4 + (k & 3)]!;
    return payload;
  }
}
