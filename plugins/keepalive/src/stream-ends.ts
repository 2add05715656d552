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
  /** What had been carried at the last look, and when that was more than at the one before. */
  #messages = 0;
  #bytes = 0;
  #carriedAt: number;

  private constructor(session: Session, { idleTimeout, maxAge }: Policy, now: number, random: Random) {
    this.#session = session;
    this.#idleTimeout = session.websocket === undefined ? Number.POSITIVE_INFINITY : idleTimeout;
    this.#endsAt = now + maxAge * (1 - AGE_SPREAD * random());
    this.#carriedAt = now;
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
    if (messages !== this.#messages || bytes - this.#bytes > ours) this.#carriedAt = now;
    else if (now - this.#carriedAt >= this.#idleTimeout) this.#session.close('idle-timeout');
    this.#messages = messages;
    this.#bytes = bytes;
    return Math.min(this.#endsAt, now + this.#idleTimeout / IDLE_CHECKS);
  }
}
