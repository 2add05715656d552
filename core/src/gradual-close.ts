import type { Cause } from './cause.ts';
import type { Clock } from './clock.ts';
import type { Deadline } from './lifecycle.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Closes go out in steps of 100 to 200 ms, at random, so that several sidecars do not go in step. */
const STEP_MS = 100;
/** What was not closed because a step came late is made up for, so much of a second's at once. */
const CATCH_UP_SECONDS = 0.25;
/** So long before the deadline the last one is closed, or a quarter of the time where that is less: its peer has to answer. */
const HANDSHAKE_MS = 5_000;
/** However much time there is, so great a part of `rate` is closed at once, and then each second: a few need not wait. */
const LEAST_PACE = 0.05;

/**
 * Closes the WebSockets and event streams that `meant` says, those that open meanwhile too, until none is left or the deadline
 * is over: spread evenly over the time that there is, and never more than `by.rate` per second. Each is closed once, with
 * `by.closeCode` where there is one. Exchanges end by themselves, and are not touched.
 */
export function closeGradually(
  sessions: Sessions,
  clock: Clock,
  by: Deadline,
  cause: Cause,
  meant: (session: Session) => boolean,
): void {
  let before = clock.now();
  const end = by.at - Math.min(HANDSHAKE_MS, (by.at - before) / 4);
  const closed = new WeakSet<Session>();
  let owed = Math.max(1, by.rate * LEAST_PACE);
  const step = () => {
    const now = clock.now();
    const open: Session[] = [];
    let more = false;
    for (const session of sessions) {
      if (!meant(session)) continue;
      more = true;
      if (isLongLived(session) && !closed.has(session)) open.push(session);
    }
    const secondsLeft = Math.max(STEP_MS, end - now) / 1_000;
    const pace = Math.min(by.rate, Math.max(open.length / secondsLeft, by.rate * LEAST_PACE));
    owed = Math.min(owed + (pace * (now - before)) / 1_000, Math.max(1, by.rate * CATCH_UP_SECONDS));
    before = now;
    for (const session of open) {
      if (owed < 1) break;
      owed--;
      closed.add(session);
      session.close(cause, session.websocket === undefined ? undefined : by.closeCode);
    }
    if (more && now < by.at) clock.after(STEP_MS * (1 + Math.random()), step);
  };
  step();
}

function isLongLived({ websocket, eventStream }: Session): boolean {
  return websocket !== undefined || eventStream !== undefined;
}
