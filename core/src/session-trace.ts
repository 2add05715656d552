import { createSlot, type Session, type Slot } from './session.ts';

/**
 * Id of the trace in which the spans of a session are recorded, 32 hexadecimal digits: who records sets it in `onRequest`. What
 * goes up then stands with each attempt, not in the request.
 */
export const recordedTrace: Slot<string> = createSlot('recorded-trace');

/** Id of the trace that a session belongs to, recorded or not; undefined where it has none (W3C Trace Context §3.2). */
export function traceOf(session: Session): string | undefined {
  const recorded = session.state(recordedTrace);
  if (recorded !== undefined) return recorded;
  const traceparent = session.request.headers.get('traceparent');
  return traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent.slice(3, 35) : undefined;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;
