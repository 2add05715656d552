import type { HeaderOverlay, Headers } from '@outrigger/core';
import { SAMPLED } from './trace-context.ts';

/** B3's debug flag, beside W3C's: everybody on the way records, whatever their samplers say. It implies {@link SAMPLED}. */
export const DEBUG = 0x100;

/** What came in B3 headers. */
export interface B3Context {
  /** 32 and 16 hexadecimal digits; both undefined where only a decision came. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** Undefined: the decision is left to us. */
  readonly flags: number | undefined;
}

/** Of both forms (the B3 propagation specification). */
export const B3_HEADERS = ['b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'];

/** Reads either form, the single header first; undefined where neither is there and valid. */
export function readB3(headers: Headers): B3Context | undefined {
  const single = headers.get('b3');
  return (single === undefined ? undefined : readSingle(single)) ?? readMulti(headers);
}

/** `b3: {TraceId}-{SpanId}-{SamplingState}-{ParentSpanId}`, the last two optional; or the sampling state alone. */
function readSingle(value: string): B3Context | undefined {
  if (value.length === 1) return decision(STATES.get(value));
  const [, traceId, spanId, state] = SINGLE.exec(value.toLowerCase()) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId: wide(traceId), spanId, flags: state === undefined ? undefined : STATES.get(state) };
}

function readMulti(headers: Headers): B3Context | undefined {
  const flags = headers.get('x-b3-flags') === '1' ? SAMPLED | DEBUG : sampledOf(headers.get('x-b3-sampled'));
  const traceId = headers.get('x-b3-traceid');
  const spanId = headers.get('x-b3-spanid');
  if (traceId === undefined || spanId === undefined || !TRACE_ID.test(traceId) || !SPAN_ID.test(spanId))
    return decision(flags);
  return { traceId: wide(traceId), spanId: spanId.toLowerCase(), flags };
}

/** `true` and `false` are what early tracers sent. */
function sampledOf(value: string | undefined): number | undefined {
  if (value === '1' || value === 'true') return SAMPLED;
  return value === '0' || value === 'false' ? 0 : undefined;
}

function decision(flags: number | undefined): B3Context | undefined {
  return flags === undefined ? undefined : { traceId: undefined, spanId: undefined, flags };
}

/** Trace ids of 64 bits are those of 128 bits that begin with zeros. */
function wide(traceId: string): string {
  return traceId.toLowerCase().padStart(32, '0');
}

export function writeB3(to: Headers | HeaderOverlay, traceId: string, spanId: string, flags: number): void {
  to.set('b3', `${traceId}-${spanId}-${stateOf(flags)}`);
}

export function writeB3Multi(to: Headers | HeaderOverlay, traceId: string, spanId: string, flags: number): void {
  to.set('x-b3-traceid', traceId);
  to.set('x-b3-spanid', spanId);
  // Debug says sampled without saying it twice.
  if ((flags & DEBUG) !== 0) to.set('x-b3-flags', '1');
  else to.set('x-b3-sampled', stateOf(flags));
}

function stateOf(flags: number): string {
  if ((flags & DEBUG) !== 0) return 'd';
  return (flags & SAMPLED) === 0 ? '0' : '1';
}

const STATES: ReadonlyMap<string, number> = new Map([
  ['0', 0],
  ['1', SAMPLED],
  ['d', SAMPLED | DEBUG],
]);
const TRACE_ID = /^(?!0+$)(?:[0-9a-f]{32}|[0-9a-f]{16})$/i;
const SPAN_ID = /^(?!0+$)[0-9a-f]{16}$/i;
const SINGLE = /^(?!0+-)([0-9a-f]{32}|[0-9a-f]{16})-(?!0{16})([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/;
