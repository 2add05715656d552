import type { Session } from '@outrigger/core';
import type { Policy } from './policy.ts';
import type { Random } from './stream-timer.ts';

/** Ages are shortened by up to 10 %. */
const AGE_SPREAD = 0.1;
/** So often within `idleTimeout` it is looked whether messages came. */
const IDLE_CHECKS = 10;
/** Bytes that pings and pongs may account for between two looks; more are a message under way. */
const CONTROL_BYTES = 1_024;

/** Ends a stream that has reached its `maxAge`, and a WebSocket that carries no message for `idleTimeout`. */
export class StreamEnds {
  readonly #session: Session;
  readonly #idleTimeout: number;
  readonly #endsAt: number;
  /** What had been carried at the last look, and no earlier than when that came. */
  #messages = 0;
  #bytes = 0;
  #carriedAt: number;
  #lookedAt: number;

  private constructor(session: Session, { idleTimeout, maxAge }: Policy, now: number, random: Random) {
    this.#session = session;
    this.#idleTimeout = session.websocket === undefined ? Number.POSITIVE_INFINITY : idleTimeout;
    this.#endsAt = now + maxAge * (1 - AGE_SPREAD * random());
    this.#carriedAt = now;
    this.#lookedAt = now;
  }

  /** Undefined where nothing is to end the session. */
  static of(session: Session, policy: Policy, now: number, random: Random): StreamEnds | undefined {
    if (policy.idleTimeout === Number.POSITIVE_INFINITY && policy.maxAge === Number.POSITIVE_INFINITY) return undefined;
    return new StreamEnds(session, policy, now, random);
  }

  /** Ends the session where that is due; else the time at which to look again. */
  look(now: number): number {
    if (now >= this.#endsAt) this.#session.close('max-age');
    if (this.#idleTimeout === Number.POSITIVE_INFINITY) return this.#endsAt;
    const { websocket, messagesReceived, messagesSent, bytesReceived, bytesSent } = this.#session;
    const messages = messagesReceived + messagesSent;
    const bytes = bytesReceived + bytesSent;
    // Of a tunnel the bytes are all that is known, and none of them are ours.
    const ours = websocket?.opaque ? 0 : CONTROL_BYTES;
    if (messages !== this.#messages || bytes - this.#bytes > ours) this.#carriedAt = this.#cameAt(now);
    else if (now - this.#carriedAt >= this.#idleTimeout) this.#session.close('idle-timeout');
    this.#messages = messages;
    this.#bytes = bytes;
    this.#lookedAt = now;
    return Math.min(this.#endsAt, this.#carriedAt + this.#idleTimeout, now + this.#idleTimeout / IDLE_CHECKS);
  }

  /** When what has been carried since the last look came; what a plugin sent by itself came from neither side. */
  #cameAt(now: number): number {
    const { websocket } = this.#session;
    if (websocket === undefined) return now;
    const last = Math.max(websocket.lastByteAt('downstream'), websocket.lastByteAt('upstream'));
    return last > this.#lookedAt ? last : now;
  }
}
