import type { SpanBatch } from './span-batches.ts';

/** A value as OTLP/JSON has it; 64-bit integers are texts there. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number };

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
  status: { readonly code?: number };
}

/** Reads what {@link SpanWriter} has written: for OTLP/JSON, and for people. */
export function readSpans({ bytes, length }: SpanBatch): OtlpSpan[] {
  const spans: OtlpSpan[] = [];
  const fields = new Fields(bytes, 0, length);
  while (fields.next()) spans.push(readSpan(fields.nested()));
  return spans;
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
    default:
      return { doubleValue: fields.double() };
  }
}

function readStatus(fields: Fields): OtlpSpan['status'] {
  fields.next();
  return { code: Number(fields.value) };
}

/** The fields of one protobuf message, one after the other. */
class Fields {
  number = 0;
  /** Of a field that is a number. */
  value = 0n;
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  // Of a field that has a length.
  #from = 0;
  #to = 0;

  constructor(bytes: Buffer, from: number, end: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** Goes to the next field; false where there is none. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = Number(this.#varint());
    this.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        this.value = this.#varint();
        break;
      case 1:
        this.value = this.#bytes.readBigUInt64LE(this.#at);
        this.#at += 8;
        break;
      case 5:
        this.value = BigInt(this.#bytes.readUInt32LE(this.#at));
        this.#at += 4;
        break;
      default: {
        const length = Number(this.#varint());
        this.#from = this.#at;
        this.#to = this.#at + length;
        this.#at = this.#to;
      }
    }
    return true;
  }

  text(): string {
    return this.#bytes.toString('utf8', this.#from, this.#to);
  }

  hex(): string {
    return this.#bytes.toString('hex', this.#from, this.#to);
  }

  nested(): Fields {
    return new Fields(this.#bytes, this.#from, this.#to);
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}
