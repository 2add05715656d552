import type { AttributeValue } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { SpanBatch } from './span-batches.ts';
import { readSpans } from './span-reader.ts';

const SCOPE = '@outrigger/tracing';

/** Batches as ExportTraceServiceRequest (opentelemetry-proto, collector/trace/v1): one resource, one scope, the batch's spans. */
export class OtlpRequests {
  readonly #attributes: readonly (readonly [name: string, value: AttributeValue])[];
  readonly #resource: Buffer;
  readonly #scope = message(1, message(1, Buffer.from(SCOPE)));

  constructor(resource: Resource) {
    this.#attributes = Object.entries(resource.attributes).filter(
      (entry): entry is [string, AttributeValue] => entry[1] !== undefined,
    );
    const attributes = this.#attributes.map(([name, value]) =>
      message(1, message(1, Buffer.from(name)), message(2, anyValue(value))),
    );
    this.#resource = message(1, ...attributes);
  }

  protobuf({ bytes, length }: SpanBatch): Uint8Array {
    return message(1, this.#resource, message(2, this.#scope, bytes.subarray(0, length)));
  }

  /** OTLP/JSON: ids in hexadecimal digits, enumerations as numbers. */
  json(batch: SpanBatch): Uint8Array {
    const attributes = this.#attributes.map(([key, value]) => ({ key, value: jsonValue(value) }));
    const scopeSpans = [{ scope: { name: SCOPE }, spans: readSpans(batch) }];
    return Buffer.from(JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans }] }));
  }
}

/** A field that holds a message, a text or bytes. */
function message(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.of((field << 3) | 2), varint(length), ...parts]);
}

function anyValue(value: AttributeValue): Buffer {
  if (typeof value === 'string') return message(1, Buffer.from(value));
  if (typeof value === 'boolean') return Buffer.of(2 << 3, value ? 1 : 0);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return Buffer.concat([Buffer.of(3 << 3), varint(value)]);
    const bytes = Buffer.alloc(9, (4 << 3) | 1);
    bytes.writeDoubleLE(value, 1);
    return bytes;
  }
  const items = (value as readonly AttributeValue[]).filter((item) => item !== null && item !== undefined);
  return message(5, ...items.map((item) => message(1, anyValue(item))));
}

function jsonValue(value: AttributeValue): unknown {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  const items = (value as readonly AttributeValue[]).filter((item) => item !== null && item !== undefined);
  return { arrayValue: { values: items.map((item) => jsonValue(item)) } };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.of(...bytes, rest);
}
