import type { SpanBatch } from './span-batches.ts';
import { type OtlpSpan, type OtlpValue, readSpans } from './span-reader.ts';

/** A trace as far as this sidecar has recorded it. */
export interface RecentTrace {
  readonly traceId: string;
  /** Of the span that began first. */
  readonly name: string;
  readonly startedAt: string;
  readonly durationMs: number;
  /** `error` where any of its spans failed. */
  readonly status: 'unset' | 'error';
  /** In the order in which they began. */
  readonly spans: readonly RecentSpan[];
}

export interface RecentSpan {
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: string;
  readonly startedAt: string;
  /** From the begin of the trace, to the microsecond. */
  readonly offsetMs: number;
  readonly durationMs: number;
  readonly status: 'unset' | 'error';
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[] | undefined;
}

/** The last `limit` traces, the one that ended last first. Reads no span but theirs. */
export function recentTraces(recent: Iterable<SpanBatch>, limit: number): RecentTrace[] {
  const ids = new Set<string>();
  for (const batch of recent) {
    const inBatch: string[] = [];
    readSpans(batch, (traceId) => {
      inBatch.push(traceId);
      return false;
    });
    for (const traceId of inBatch.reverse()) if (ids.size < limit) ids.add(traceId);
    if (ids.size >= limit) break;
  }
  return tracesOf(recent, ids);
}

/** One trace by its id, in 32 lower-case hexadecimal digits; empty where there is none. */
export function recentTrace(recent: Iterable<SpanBatch>, traceId: string): RecentTrace[] {
  return tracesOf(recent, new Set([traceId]));
}

function tracesOf(recent: Iterable<SpanBatch>, ids: ReadonlySet<string>): RecentTrace[] {
  const spans = new Map<string, OtlpSpan[]>([...ids].map((traceId) => [traceId, []]));
  for (const batch of recent)
    for (const span of readSpans(batch, (id) => ids.has(id))) spans.get(span.traceId)!.push(span);
  return [...spans].flatMap(([traceId, found]) => (found.length === 0 ? [] : [traceOf(traceId, found)]));
}

function traceOf(traceId: string, spans: OtlpSpan[]): RecentTrace {
  spans.sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)) || a.kind - b.kind);
  // A SERVER span (2) that begins with its CLIENT span (3) is the outer one.
  const first = spans[0]!;
  const start = BigInt(first.startTimeUnixNano);
  let end = start;
  for (const { endTimeUnixNano } of spans) if (BigInt(endTimeUnixNano) > end) end = BigInt(endTimeUnixNano);
  return {
    traceId,
    name: first.name,
    startedAt: timeOf(start),
    durationMs: milliseconds(end - start),
    status: spans.some(({ status }) => status.code === ERROR) ? 'error' : 'unset',
    spans: spans.map((span) => spanOf(span, start)),
  };
}

function spanOf(span: OtlpSpan, begin: bigint): RecentSpan {
  const start = BigInt(span.startTimeUnixNano);
  return {
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind: KINDS[span.kind] ?? String(span.kind),
    startedAt: timeOf(start),
    offsetMs: milliseconds(start - begin),
    durationMs: milliseconds(BigInt(span.endTimeUnixNano) - start),
    status: span.status.code === ERROR ? 'error' : 'unset',
    attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, plain(value)])),
    links: span.links?.map(({ traceId, spanId }) => ({ traceId, spanId })),
  };
}

/** A value as JavaScript has it. */
export function plain(value: OtlpValue): unknown {
  if ('stringValue' in value) return value.stringValue;
  if ('boolValue' in value) return value.boolValue;
  if ('intValue' in value) return Number(value.intValue);
  if ('doubleValue' in value) return value.doubleValue;
  return value.arrayValue.values.map(plain);
}

/** OTLP's SpanKind. */
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const ERROR = 2;

const timeOf = (nanoseconds: bigint): string => new Date(Number(nanoseconds / 1_000_000n)).toISOString();
const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds / 1000n) / 1000;
