import type { Cause } from './cause.ts';
import type { Clock } from './clock.ts';
import type { Deadline } from './lifecycle.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Closes go out ten times a second: nothing bursts. */
const STEP_MS = 100;

/**
 * Closes the WebSockets that `meant` says, at most `by.rate` per second, those that open meanwhile too, until none is left or
 * the deadline is over. Exchanges end by themselves, and are not touched.
 */
export function closeGradually(
  sessions: Sessions,
  clock: Clock,
  by: Deadline,
  cause: Cause,
  meant: (session: Session) => boolean,
): void {
  const share = (by.rate * STEP_MS) / 1_000;
  let owed = 1;
  const step = () => {
    owed = Math.min(owed + share, Math.max(1, share));
    let more = false;
    for (const session of sessions) {
      if (!meant(session)) continue;
      more = true;
      if (session.websocket === undefined) continue;
      if (owed < 1) break;
      owed--;
      session.close(cause);
    }
    if (more && clock.now() < by.at) clock.after(STEP_MS, step);
  };
  step();
}
