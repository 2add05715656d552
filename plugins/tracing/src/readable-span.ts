import { createTraceState, type HrTime, type SpanContext, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanRecord } from './span.ts';

/** A span as exporters read it. */
export function toReadableSpan(record: SpanRecord, resource: Resource): ReadableSpan {
  const { parent, startedAt } = record;
  const { name, attributes, error } = record.describe();
  const traceState = parent.traceState === '' ? undefined : createTraceState(parent.traceState);
  const inTrace = { traceId: parent.traceId, traceFlags: TraceFlags.SAMPLED, ...(traceState && { traceState }) };
  const context: SpanContext = { ...inTrace, spanId: record.spanId };
  const parentSpanContext: SpanContext | undefined =
    parent.spanId === undefined ? undefined : { ...inTrace, spanId: parent.spanId, isRemote: parent.remote };
  // The wall clock may have been set back meanwhile; a span does not end before it began.
  const endedAt = Math.max(startedAt, record.endedAt);
  return {
    name,
    kind: record.kind,
    spanContext: () => context,
    ...(parentSpanContext && { parentSpanContext }),
    startTime: toHrTime(startedAt),
    endTime: toHrTime(endedAt),
    duration: toHrTime(endedAt - startedAt),
    status: { code: error ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const SCOPE = { name: '@outrigger/tracing' };

/** Seconds and nanoseconds; a double carries milliseconds since 1970 to a quarter of a microsecond. */
function toHrTime(ms: number): HrTime {
  const microseconds = Math.round(ms * 1000);
  const seconds = Math.floor(microseconds / 1e6);
  return [seconds, (microseconds - seconds * 1e6) * 1000];
}
