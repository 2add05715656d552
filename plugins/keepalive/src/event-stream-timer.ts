import { StreamTimer } from './stream-timer.ts';

/** Puts comments into server-sent events that pause. */
export class EventStreamTimer extends StreamTimer {
  protected look(now: number): number {
    const { eventStream } = this.session;
    const { comments } = this.policy;
    if (eventStream === undefined || comments === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    // Within an event nothing may stand: then the next look is one interval later.
    if (this.isDue(eventStream.lastByteAt, comments, now) && !eventStream.comment())
      return this.pauseEnds(now, comments);
    return this.pauseEnds(eventStream.lastByteAt, comments);
  }
}
