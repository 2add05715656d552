import type { Side, WebSocketControl } from '@outrigger/core';
import type { LegPolicy } from './policy.ts';
import { StreamTimer } from './stream-timer.ts';

/** So often within `idleTimeout` it is looked whether messages came. */
const IDLE_CHECKS = 10;
/** Bytes that pings and pongs may account for between two looks; more are a message under way. */
const CONTROL_BYTES = 1_024;

/** A timer that is so late tells that the process stood still. */
const LATE_MS = 500;
/** For one turn of the event loop, which reads what has come. */
const SECOND_LOOK_MS = 1;

const NOTHING_DUE = Number.POSITIVE_INFINITY;

/** Pings the silent sides of a WebSocket, gives up those that stay silent, and ends one that carries nothing. */
export class WebSocketTimer extends StreamTimer {
  /** The last round trips, in milliseconds; -1: none yet. */
  downstreamRtt = -1;
  upstreamRtt = -1;
  #lookedAgain = false;
  /** What had been carried when it was last seen to carry something. */
  #messages = 0;
  #bytes = 0;
  #carriedAt = this.clock.now();

  protected look(now: number): number {
    const { websocket } = this.session;
    if (websocket === undefined) return NOTHING_DUE;
    const idle = this.#lookForMessages(websocket.opaque, now);
    const downstream = this.#lookAt('downstream', websocket, now);
    const upstream = this.#lookAt('upstream', websocket, now);
    return Math.min(idle, downstream, upstream);
  }

  #lookAt(side: Side, websocket: WebSocketControl, now: number): number {
    const { interval, timeout }: LegPolicy = this.policy[side];
    if (interval === Number.POSITIVE_INFINITY || websocket.opaque) return NOTHING_DUE;
    const silentSince = websocket.lastByteAt(side);
    const sentAt = websocket.pingSentAt(side);
    if (sentAt !== undefined) {
      // Any byte is a sign of life, so that who sent one since has his interval again.
      const overdueAt = (sentAt >= silentSince ? sentAt : silentSince + interval) + timeout;
      if (now < overdueAt) return overdueAt;
      if (this.#mayBeUnread(now, overdueAt)) return now + SECOND_LOOK_MS;
      websocket.giveUp(side, `${side}-pong-timeout`);
      return NOTHING_DUE;
    }
    if (!this.isDue(silentSince, interval, now)) return this.pauseEnds(silentSince, interval);
    websocket.ping(side);
    return now + timeout;
  }

  /** Where the process has stood still, timers run before what has come meanwhile is read: then a second look decides. */
  #mayBeUnread(now: number, overdueAt: number): boolean {
    const lookAgain = now - overdueAt > LATE_MS && !this.#lookedAgain;
    this.#lookedAgain = lookAgain;
    return lookAgain;
  }

  #lookForMessages(opaque: boolean, now: number): number {
    const { idleTimeout } = this.policy;
    if (idleTimeout === Number.POSITIVE_INFINITY) return NOTHING_DUE;
    const { messagesReceived, messagesSent, bytesReceived, bytesSent } = this.session;
    const messages = messagesReceived + messagesSent;
    const bytes = bytesReceived + bytesSent;
    // Of a tunnel the bytes are all that is known, and none of them are ours.
    const ours = opaque ? 0 : CONTROL_BYTES;
    if (messages !== this.#messages || bytes - this.#bytes > ours) this.#carriedAt = now;
    else if (now - this.#carriedAt >= idleTimeout) this.session.close('idle-timeout');
    this.#messages = messages;
    this.#bytes = bytes;
    return now + idleTimeout / IDLE_CHECKS;
  }
}
