import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Fields } from './protobuf-fields.ts';

export interface GrpcOptions {
  /** Sent with each call; names in any case. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  readonly tls: Pick<SecureClientSessionOptions, 'ca' | 'cert' | 'key'>;
}

/** A call that did not succeed. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  /** gRPC's status code. */
  readonly code: number;
  /** When the peer wants to be asked again, where it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, message: string, retryAfterMs?: number) {
    super(message === '' ? `gRPC status ${code}` : `gRPC status ${code}: ${message}`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

// google.rpc.Code
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const UNKNOWN = 2;
/** Those after which a call may be made again (the OTLP specification, "OTLP/gRPC Response"), beside RESOURCE_EXHAUSTED. */
const RETRYABLE: ReadonlySet<number> = new Set([1, DEADLINE_EXCEEDED, 10, 11, UNAVAILABLE, 15]);

/** RESOURCE_EXHAUSTED is retryable where the peer says when. */
export function isRetryable(error: unknown): error is GrpcError {
  if (!(error instanceof GrpcError)) return false;
  return RETRYABLE.has(error.code) || (error.code === RESOURCE_EXHAUSTED && error.retryAfterMs !== undefined);
}

const compress = promisify(gzip);

/** Whether it is compressed, and the length. We accept no compressed answer, by not offering to. */
const PREFIX_BYTES = 5;
/** What is read of an answer, at most. */
const MAX_ANSWER = 4 * 1024 * 1024;

/**
 * One unary method of a gRPC service, over one connection that is made when it is needed (gRPC over HTTP/2: a message has five
 * bytes in front of it, the status comes in the trailers). The connection keeps no process alive.
 */
export class GrpcCall {
  readonly #url: string;
  readonly #path: string;
  readonly #options: GrpcOptions;
  #session: ClientHttp2Session | undefined;

  constructor(url: string, path: string, options: GrpcOptions) {
    this.#url = url;
    this.#path = path;
    this.#options = options;
  }

  /** Resolves to the peer's message when it has answered OK; else rejects with a {@link GrpcError}. */
  async send(message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const body = this.#options.gzip ? await compress(message) : message;
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix[0] = this.#options.gzip ? 1 : 0;
    prefix.writeUInt32BE(body.length, 1);
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const stream = this.#connected().request(
      {
        ...lowerCase(this.#options.metadata),
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: this.#path,
        'content-type': 'application/grpc',
        'user-agent': 'outrigger',
        te: 'trailers',
        'grpc-timeout': `${Math.max(1, Math.ceil(timeoutMs))}m`,
        ...(this.#options.gzip && { 'grpc-encoding': 'gzip' }),
      },
      { signal },
    );
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const answer: Buffer[] = [];
    let size = 0;
    stream.on('response', (headers) => (head = headers));
    stream.on('trailers', (headers) => (trailers = headers));
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      answer.push(chunk);
      if (size > MAX_ANSWER) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error) => {
      if (signal.aborted) {
        // Who knows whether the connection is still one.
        this.#session?.destroy();
        reject(new GrpcError(DEADLINE_EXCEEDED, 'no answer in time'));
      } else reject(new GrpcError(UNAVAILABLE, messageOf(error)));
    });
    stream.on('close', () => {
      const error = failureOf(head, trailers);
      if (error === undefined) resolve(Buffer.concat(answer).subarray(PREFIX_BYTES));
      else reject(error);
    });
    stream.write(prefix);
    stream.end(body);
    return await promise;
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  #connected(): ClientHttp2Session {
    const current = this.#session;
    if (current !== undefined && !current.closed && !current.destroyed) return current;
    const session = connect(this.#url, this.#options.tls);
    // What becomes of its calls they hear themselves.
    session.on('error', () => {});
    session.on('goaway', () => session.close());
    session.unref();
    this.#session = session;
    return session;
  }
}

/** Undefined where the status is OK. */
function failureOf(head: IncomingHttpHeaders, trailers: IncomingHttpHeaders): GrpcError | undefined {
  // Without a message the status comes in the head alone.
  const from = trailers['grpc-status'] === undefined ? head : trailers;
  const status = from['grpc-status'];
  if (status === undefined) {
    const http = Number(head[constants.HTTP2_HEADER_STATUS] ?? 0);
    if (http === 0) return new GrpcError(UNAVAILABLE, 'the connection ended without an answer');
    return new GrpcError([429, 502, 503, 504].includes(http) ? UNAVAILABLE : UNKNOWN, `HTTP status ${http}`);
  }
  if (status === '0') return undefined;
  return new GrpcError(Number(status), plainText(String(from['grpc-message'] ?? '')), retryDelay(from));
}

/** `grpc-message` is percent-encoded. */
function plainText(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** `google.rpc.RetryInfo` among the details of the `google.rpc.Status` that comes with a status. */
function retryDelay(headers: IncomingHttpHeaders): number | undefined {
  const details = headers['grpc-status-details-bin'];
  if (details === undefined) return undefined;
  try {
    const status = new Fields(Buffer.from(String(details), 'base64'));
    while (status.next())
      if (status.number === 3) {
        const delay = retryInfo(status.nested());
        if (delay !== undefined) return delay;
      }
  } catch {
    // Whatever it is, it says nothing of when to come again.
  }
  return undefined;
}

function retryInfo(any: Fields): number | undefined {
  let type = '';
  while (any.next()) {
    if (any.number === 1) type = any.text();
    else if (any.number === 2 && type.endsWith('google.rpc.RetryInfo')) {
      const info = any.nested();
      return info.next() ? milliseconds(info.nested()) : 0;
    }
  }
  return undefined;
}

/** A `google.protobuf.Duration`. */
function milliseconds(duration: Fields): number {
  let ms = 0;
  while (duration.next()) ms += duration.number === 1 ? Number(duration.value) * 1000 : Number(duration.value) / 1e6;
  return ms;
}

function lowerCase(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Node's errors of several addresses have a code, and no message. */
function messageOf(error: Error & { readonly code?: string }): string {
  return error.message || (error.code ?? error.name);
}
