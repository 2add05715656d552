import type { Side, WebSocketControl } from '@outrigger/core';
import type { LegPolicy } from './policy.ts';
import { StreamTimer } from './stream-timer.ts';

/** So late only a process notices that has stood still: its timers run before what has come meanwhile is read. */
const LATE_MS = 500;
/** One turn of the event loop reads it; then a second look decides. */
const SECOND_LOOK_MS = 1;

const NOTHING_DUE = Number.POSITIVE_INFINITY;

/** Pings the silent sides of a WebSocket, and gives up those that stay silent. */
export class WebSocketTimer extends StreamTimer {
  /** The last round trips, in milliseconds; -1: none yet. */
  downstreamRtt = -1;
  upstreamRtt = -1;
  /** Whether the last look found somebody overdue, and did not trust that. */
  #doubted = false;

  protected look(now: number): number {
    const { websocket } = this.session;
    if (websocket === undefined) return NOTHING_DUE;
    const doubts = !this.#doubted;
    this.#doubted = false;
    const downstream = this.#lookAt('downstream', websocket, now, doubts);
    return Math.min(downstream, this.#lookAt('upstream', websocket, now, doubts));
  }

  #lookAt(side: Side, websocket: WebSocketControl, now: number, doubts: boolean): number {
    const { interval, timeout }: LegPolicy = this.policy[side];
    if (interval === Number.POSITIVE_INFINITY || websocket.opaque) return NOTHING_DUE;
    const silentSince = websocket.lastByteAt(side);
    const sentAt = websocket.pingSentAt(side);
    if (sentAt !== undefined) {
      // Any byte is a sign of life, so that who sent one since has his interval again.
      const overdueAt = (sentAt >= silentSince ? sentAt : silentSince + interval) + timeout;
      if (now < overdueAt) return overdueAt;
      if (doubts && now - overdueAt > LATE_MS) {
        this.#doubted = true;
        return now + SECOND_LOOK_MS;
      }
      websocket.giveUp(side, `${side}-pong-timeout`);
      return NOTHING_DUE;
    }
    if (!this.isDue(silentSince, interval, now)) return this.pauseEnds(silentSince, interval);
    websocket.ping(side);
    // Answered at once, the next one may be due before this one would be overdue.
    return Math.min(now + timeout, this.pauseEnds(now, interval));
  }
}
