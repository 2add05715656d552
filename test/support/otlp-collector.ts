import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { gunzipSync } from 'node:zlib';

type Value = string | number | boolean | readonly Value[];

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  /** 2: SERVER, 3: CLIENT. */
  readonly kind: number;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0: unset, 2: error. */
  readonly status: number;
}

export interface ReceivedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly resource: Readonly<Record<string, Value>>;
  readonly spans: readonly ReceivedSpan[];
}

/** What a receiver speaks TLS with. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** Clients must have a certificate of this one. */
  readonly ca?: string;
}

export function tlsOptions(identity: Identity): TlsOptions {
  return identity.ca === undefined ? identity : { ...identity, requestCert: true, rejectUnauthorized: true };
}

/** What a receiver has taken. */
export class Received {
  readonly exports: ReceivedExport[] = [];
  /** Requests with metrics, as they came. */
  readonly metrics: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  #arrived = Promise.withResolvers<void>();

  get spans(): ReceivedSpan[] {
    return this.exports.flatMap(({ spans }) => spans);
  }

  /** Resolves when `count` exports have come in. */
  async received(count: number): Promise<void> {
    while (this.exports.length < count) await this.#arrived.promise;
  }

  /** Resolves, to all spans, when they are `met`. */
  async until(met: (spans: readonly ReceivedSpan[]) => boolean): Promise<ReceivedSpan[]> {
    while (!met(this.spans)) await this.#arrived.promise;
    return this.spans;
  }

  protected take(received: ReceivedExport): void {
    this.exports.push(received);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}

/** An OTLP/HTTP receiver that shares no code with the exporter: decodes protobuf (by hand) and JSON. */
export class OtlpCollector extends Received {
  /** What it answers; a test may have it refuse, or keep silent. */
  answer: (response: ServerResponse) => void = (response) => void response.writeHead(200).end();
  readonly #scheme: string;
  readonly #server: Server;

  /** With an identity it speaks TLS. */
  constructor(identity?: Identity) {
    super();
    this.#scheme = identity === undefined ? 'http' : 'https';
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server = identity === undefined ? createServer(serve) : createSecureServer(tlsOptions(identity), serve);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const json = request.headers['content-type'] === 'application/json';
    const gzipped = request.headers['content-encoding'] === 'gzip';
    const body = gzipped ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
    const { url: path = '', headers } = request;
    if (path.endsWith('/v1/metrics')) this.metrics.push({ headers, body });
    else this.take({ path, headers, ...(json ? fromJson(body) : fromProtobuf(body)) });
    this.answer(response);
  }

  /** Listens on `port`, 0 for any; returns the base URL. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

interface Content {
  readonly resource: Readonly<Record<string, Value>>;
  readonly spans: readonly ReceivedSpan[];
}

// Field numbers: opentelemetry-proto, collector/trace/v1/trace_service.proto and trace/v1/trace.proto.

export function fromProtobuf(body: Buffer): Content {
  let resource: Record<string, Value> = {};
  const spans: ReceivedSpan[] = [];
  for (const resourceSpans of messages(fields(body), 1)) {
    for (const message of messages(resourceSpans, 1)) resource = attributesOf(messages(message, 1));
    for (const scopeSpans of messages(resourceSpans, 2)) spans.push(...messages(scopeSpans, 2).map(spanOf));
  }
  return { resource, spans };
}

type Fields = readonly { readonly number: number; readonly value: Buffer | bigint }[];

function spanOf(span: Fields): ReceivedSpan {
  const bytes = (number: number) => (find(span, number) as Buffer | undefined) ?? Buffer.alloc(0);
  const integer = (number: number) => (find(span, number) as bigint | undefined) ?? 0n;
  return {
    traceId: bytes(1).toString('hex'),
    spanId: bytes(2).toString('hex'),
    traceState: bytes(3).toString(),
    parentSpanId: bytes(4).toString('hex'),
    name: bytes(5).toString(),
    kind: Number(integer(6)),
    start: integer(7),
    end: integer(8),
    attributes: attributesOf(messages(span, 9)),
    links: messages(span, 13).map((link) => ({
      traceId: (find(link, 1) as Buffer).toString('hex'),
      spanId: (find(link, 2) as Buffer).toString('hex'),
    })),
    status: Number((messages(span, 15).flatMap((status) => find(status, 3) ?? [])[0] as bigint | undefined) ?? 0n),
  };
}

function attributesOf(pairs: readonly Fields[]): Record<string, Value> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const any = messages(pair, 2)[0]![0]!;
      return [find(pair, 1)!.toString(), anyValue(any)];
    }),
  );
}

/** An AnyValue: a text, a truth value, an integer, a double or an array. */
function anyValue({ number, value }: Fields[number]): Value {
  if (number === 1) return value.toString();
  if (number === 2) return value === 1n;
  if (number === 3) return Number(value as bigint);
  if (number === 5) return messages(fields(value as Buffer), 1).map(([item]) => anyValue(item!));
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64LE(value as bigint);
  return bits.readDoubleLE();
}

function find(message: Fields, number: number): Buffer | bigint | undefined {
  return message.find((field) => field.number === number)?.value;
}

function messages(message: Fields, number: number): Fields[] {
  return message.filter((field) => field.number === number).map(({ value }) => fields(value as Buffer));
}

/** The fields of one message (protobuf's wire format). */
function fields(b: Buffer): Fields {
  const result: { number: number; value: Buffer | bigint }[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = b[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < b.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    switch (tag & 7) {
      case 0:
        result.push({ number, value: varint() });
        break;
      case 1:
        result.push({ number, value: b.readBigUInt64LE(at) });
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        result.push({ number, value: b.subarray(at, at + length) });
        at += length;
        break;
      }
      case 5:
        result.push({ number, value: BigInt(b.readUInt32LE(at)) });
        at += 4;
        break;
      default:
        throw new Error(`wire type ${tag & 7} at ${at}`);
    }
  }
  return result;
}

interface JsonValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly JsonValue[] };
}

interface JsonAttribute {
  readonly key: string;
  readonly value: JsonValue;
}

function jsonValue(value: JsonValue): Value {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(jsonValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue);
}

export function fromJson(body: Buffer): Content {
  const [resourceSpans] = JSON.parse(body.toString()).resourceSpans;
  const attributes = (list: readonly JsonAttribute[] = []): Record<string, Value> =>
    Object.fromEntries(list.map(({ key, value }) => [key, jsonValue(value)]));
  return {
    resource: attributes(resourceSpans.resource.attributes),
    spans: resourceSpans.scopeSpans.flatMap((scope: { spans: Record<string, never>[] }) =>
      scope.spans.map((span) => ({
        ...(span as unknown as ReceivedSpan),
        parentSpanId: span['parentSpanId'] ?? '',
        traceState: span['traceState'] ?? '',
        start: BigInt(span['startTimeUnixNano']!),
        end: BigInt(span['endTimeUnixNano']!),
        attributes: attributes(span['attributes']),
        links: ((span['links'] ?? []) as ReceivedSpan['links']).map(({ traceId, spanId }) => ({ traceId, spanId })),
        status: span['status']?.['code'] ?? 0,
      })),
    ),
  };
}
