/**
 * Whether `value` is a `traceparent` that may be continued (W3C Trace Context §3.2): version 00 in its exact form, or a
 * later one of which the part that version 00 defines is valid. Version ff, zero ids and upper case are not.
 */
export function isTraceparent(value: string): boolean {
  return TRACEPARENT.test(value) && (value.length === LENGTH || !isVersion00(value));
}

/** Whether a valid `traceparent` is in the form that we write ourselves, so that it may pass as it is. */
export function isVersion00(traceparent: string): boolean {
  return traceparent.charCodeAt(0) === ZERO && traceparent.charCodeAt(1) === ZERO;
}

/** The 32 hexadecimal digits of the trace id in a valid `traceparent`. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** The 16 hexadecimal digits of the caller's span id in a valid `traceparent`. */
export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** The flags that are defined today, {@link SAMPLED} and {@link RANDOM}, of a valid `traceparent`. */
export function flagsOf(traceparent: string): number {
  return Number.parseInt(traceparent.charAt(54), 16) & (SAMPLED | RANDOM);
}

/** A `traceparent` in version 00; of `flags` those go in that {@link flagsOf} gives. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags & (SAMPLED | RANDOM)}`;
}

/** The caller may have recorded the trace (§3.2.2.3). */
export const SAMPLED = 1;
/** The right-most 56 bits of the trace id are random (Level 2, §3.2.2.5.2): it goes on with the trace id. */
export const RANDOM = 2;

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const LENGTH = 55;
const ZERO = '0'.charCodeAt(0);
