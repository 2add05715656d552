import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { fromProtobuf, type Identity, Received, tlsOptions } from './otlp-collector.ts';

/** What a call is answered: a gRPC status, and what else comes in the trailers. */
export interface Answer {
  readonly status: number;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Of a status 0: an ExportTraceServiceResponse; empty by default. */
  readonly message?: Buffer;
}

/** An OTLP/gRPC receiver that shares no code with the exporter: HTTP/2 and gRPC's framing by hand. */
export class OtlpGrpcCollector extends Received {
  /** Its answers, the last of which stays; undefined: it keeps silent. */
  answers: (Answer | undefined)[] = [{ status: 0 }];
  readonly #scheme: string;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server;

  constructor(identity?: Identity) {
    super();
    this.#scheme = identity === undefined ? 'http' : 'https';
    this.#server = identity === undefined ? createServer() : createSecureServer(tlsOptions(identity));
    this.#server.on('stream', (stream, headers) => void this.#serve(stream, headers));
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
  }

  /** Returns the base URL. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sessions.size;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
    await once(this.#server, 'close');
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => {});
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const message = Buffer.concat(chunks);
    if (message.readUInt32BE(1) !== message.length - 5) throw new Error('the length of the message is wrong');
    const body = message[0] === 1 ? gunzipSync(message.subarray(5)) : message.subarray(5);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    const path = headers[':path'] as string;
    if (path.includes('MetricsService')) this.metrics.push({ headers, body });
    else if (answer?.status === 0) this.take({ path, headers, ...fromProtobuf(body) });
    if (answer !== undefined) reply(stream, answer);
  }
}

function reply(stream: ServerHttp2Stream, { status, trailers, message = Buffer.alloc(0) }: Answer): void {
  const all = { 'grpc-status': String(status), ...trailers };
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  // A failure without a message has its status in the head (gRPC, "Trailers-Only").
  if (status !== 0) return stream.respond({ ...head, ...all }, { endStream: true });
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(all));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
}
