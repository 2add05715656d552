import { Fields } from '@outrigger/core/otlp';
import type { SpanBatch } from './span-batches.ts';

/** A value as OTLP/JSON has it; 64-bit integers are texts there. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

/** A span as OTLP/JSON has it. */
export interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  flags: number;
  name: string;
  kind: number;
  /** Nanoseconds since 1970. */
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { readonly key: string; readonly value: OtlpValue }[];
  links?: { readonly traceId: string; readonly spanId: string; readonly flags: number }[];
  status: { readonly code?: number };
}

/** Reads what {@link SpanWriter} has written: for OTLP/JSON, and for people. `wanted`, by trace id, leaves spans out unread. */
export function readSpans({ bytes, length }: SpanBatch, wanted?: (traceId: string) => boolean): OtlpSpan[] {
  const spans: OtlpSpan[] = [];
  const fields = new Fields(bytes, 0, length);
  while (fields.next()) if (wanted === undefined || wanted(traceIdAt(fields))) spans.push(readSpan(fields.nested()));
  return spans;
}

/** Of a span that has not been entered: its id is what it begins with. */
function traceIdAt(span: Fields): string {
  return span.hex(2, 18);
}

function readSpan(fields: Fields): OtlpSpan {
  const span: OtlpSpan = {
    traceId: '',
    spanId: '',
    flags: 0,
    name: '',
    kind: 0,
    startTimeUnixNano: '0',
    endTimeUnixNano: '0',
    attributes: [],
    status: {},
  };
  while (fields.next()) {
    switch (fields.number) {
      case 1:
        span.traceId = fields.hex();
        break;
      case 2:
        span.spanId = fields.hex();
        break;
      case 3:
        span.traceState = fields.text();
        break;
      case 4:
        span.parentSpanId = fields.hex();
        break;
      case 5:
        span.name = fields.text();
        break;
      case 6:
        span.kind = Number(fields.value);
        break;
      case 7:
        span.startTimeUnixNano = String(fields.value);
        break;
      case 8:
        span.endTimeUnixNano = String(fields.value);
        break;
      case 9:
        span.attributes.push(readAttribute(fields.nested()));
        break;
      case 13:
        span.links = [...(span.links ?? []), readLink(fields.nested())];
        break;
      case 15:
        span.status = readStatus(fields.nested());
        break;
      case 16:
        span.flags = Number(fields.value);
    }
  }
  return span;
}

function readAttribute(fields: Fields): OtlpSpan['attributes'][number] {
  let key = '';
  let value: OtlpValue = { stringValue: '' };
  while (fields.next()) {
    if (fields.number === 1) key = fields.text();
    else value = readValue(fields.nested());
  }
  return { key, value };
}

function readValue(fields: Fields): OtlpValue {
  fields.next();
  switch (fields.number) {
    case 1:
      return { stringValue: fields.text() };
    case 2:
      return { boolValue: fields.value === 1n };
    case 3:
      return { intValue: String(fields.value) };
    case 4:
      return { doubleValue: fields.double() };
    default: {
      const items = fields.nested();
      const values: OtlpValue[] = [];
      while (items.next()) values.push(readValue(items.nested()));
      return { arrayValue: { values } };
    }
  }
}

function readLink(fields: Fields): NonNullable<OtlpSpan['links']>[number] {
  const link = { traceId: '', spanId: '', flags: 0 };
  while (fields.next()) {
    if (fields.number === 1) link.traceId = fields.hex();
    else if (fields.number === 2) link.spanId = fields.hex();
    else link.flags = Number(fields.value);
  }
  return link;
}

function readStatus(fields: Fields): OtlpSpan['status'] {
  fields.next();
  return { code: Number(fields.value) };
}
