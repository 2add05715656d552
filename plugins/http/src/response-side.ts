import { type BodyTransform, type Cause, type Reject, randomTexts, type Scope, SessionRecord } from '@outrigger/core';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from './body-framing.ts';
import { BodyPipeline } from './body-pipeline.ts';
import { chunk, LAST_CHUNK, ONE_WRITE } from './chunk.ts';
import type { DownstreamConnection } from './downstream-connection.ts';
import type { Engine } from './engine.ts';
import { EventStream } from './event-stream.ts';
import { withoutLines } from './field-lines.ts';
import { flat, localReply, type RequestView, type ResponseView, statusLine } from './heads.ts';
import type { RequestParser } from './request-parser.ts';
import type { ResponseParser } from './response-parser.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

const ID_START = 'x-request-id: '.length;
/** With an id for a session that its client has not named. */
const newIdLine = randomTexts(`x-request-id: ${'#'.repeat(32)}\r\n`);

/**
 * The half of a session that goes down to the client: the head as hooks leave it, the body as it came, in chunks or through
 * transforms, and our own answers. A write that waits pauses the upstream.
 */
export abstract class ResponseSide extends SessionRecord {
  readonly id: string;
  readonly request: RequestView;
  response: ResponseView | undefined = undefined;
  readonly headRequest: boolean;
  readonly http10: boolean;
  /** Set while server-sent events go down. */
  eventStream: EventStream | undefined = undefined;
  /** Takes the response's body without its framing, where it does not pass as it is. */
  payload: ((b: Buffer, from: number, to: number) => void) | undefined = undefined;
  readonly engine: Engine;
  readonly downstream: DownstreamConnection;
  upstream: UpstreamConnection | null = null;
  protected keepAlive: boolean;
  private pipeline: BodyPipeline | undefined = undefined;
  private transforms: BodyTransform[] | undefined = undefined;
  private responseFraming: Framing = NO_BODY;
  private isEventStream = false;
  /** The head as it goes down, until it is written. */
  private head: string | null = null;
  protected responseStarted = false;
  private downstreamFull = false;

  constructor(engine: Engine, downstream: DownstreamConnection, scope: Scope, parser: RequestParser) {
    const kind = parser.websocket ? 'websocket' : 'http';
    super(kind, downstream.connection, scope.hooks, scope.generation, engine.clock, engine.sessions);
    this.engine = engine;
    this.downstream = downstream;
    this.request = parser.request;
    if (parser.requestId === '') {
      const line = newIdLine();
      this.id = line.slice(ID_START, -2);
      this.request.headers.text += line;
    } else this.id = parser.requestId;
    this.headRequest = this.request.method === 'HEAD';
    this.http10 = parser.http10;
    this.keepAlive = parser.keepAlive;
  }

  /** Cuts the session: the client sees that what it has is not the whole. */
  abstract abort(reason: Cause, error?: Error): void;
  /** What goes down has gone: the session is over. */
  protected abstract end(reason: Cause, error?: Error): void;
  abstract transformFailed(error: unknown): void;
  /** Whether nothing may go on but our own answer. */
  abstract isOver(): boolean;

  transformResponse(transform: BodyTransform): void {
    this.transformable(!this.responseStarted && this.head === null && !this.isOver());
    this.transforms ??= [];
    this.transforms.push(transform);
  }

  /** A 1xx other than 101: goes to clients that know of them. */
  informational(parser: ResponseParser): void {
    if (!this.http10 && !this.responseStarted) {
      const { line, fields } = parser.response;
      this.down(`${line}${fields}\r\n`);
    }
  }

  /** Composes the head, and decides how the body goes down. */
  protected prepare(): void {
    const response = this.response!;
    let { fields } = response;
    const changed = this.transforms !== undefined && this.responseFraming !== NO_BODY;
    if (changed) fields = withoutLines(withoutLines(fields, 'content-length'), 'transfer-encoding');
    let closes = !this.keepAlive || this.downstream.draining || !this.downstream.body.done;
    const events = this.isEventStream && this.responseFraming >= CHUNKED && !this.http10;
    if (events) this.eventStream = new EventStream(this.clock, this.eventSink());
    if (
      changed ||
      events ||
      this.responseFraming === UNTIL_CLOSE ||
      (this.responseFraming === CHUNKED && this.http10)
    ) {
      if (this.http10) closes = true;
      else if (!this.headRequest && (changed || this.responseFraming !== CHUNKED))
        fields += 'transfer-encoding: chunked\r\n';
      if (changed) {
        const pipeline = this.pipeDown();
        this.payload = (b, from, to) => pipeline.write(b, from, to);
      } else if (this.http10) this.payload = (b, from, to) => this.relay(b, from, to);
      else if (events) this.payload = (b, from, to) => this.eventStream!.write(b, from, to);
      else this.payload = (b, from, to) => this.relayChunk(b, from, to);
    }
    this.keepAlive = !closes;
    this.head = response.line + fields + this.connectionFields();
    if (this.payload !== undefined) this.flushHead('');
    if (events && this.hooks.onEventStream !== null) this.hooks.onEventStream(this);
  }

  private eventSink(): ConstructorParameters<typeof EventStream>[1] {
    return {
      write: (b, from, to) => this.relayChunk(b, from, to),
      end: (cause) => {
        this.pipeline?.stop();
        this.down(LAST_CHUNK);
        this.end(cause);
      },
      cut: (cause) => this.abort(cause),
    };
  }

  /** A piece of the body goes down as it is; with the first one, or with none, the head. `text`: the same, where it is text already. */
  relay(b: Buffer, from: number, to: number, text = ''): void {
    let head = '';
    if (this.head !== null) {
      head = this.head;
      this.head = null;
      this.responseStarted = true;
    } else if (from === to) return;
    this.bytesSent += head.length + to - from;
    const { stream } = this.downstream;
    const ok = text === '' ? stream.writeLent(b, from, to, head) : stream.write(head + text);
    if (!ok) this.waitForDownstream();
  }

  private relayChunk(b: Buffer, from: number, to: number): void {
    if (to > from) this.down(chunk(b.subarray(from, to)));
  }

  private flushHead(body: string): void {
    const head = this.head!;
    this.head = null;
    this.responseStarted = true;
    this.down(head + body);
  }

  protected down(data: string | Buffer): void {
    this.bytesSent += data.length;
    const { stream } = this.downstream;
    const ok = stream.write(typeof data === 'string' && data.length > ONE_WRITE ? Buffer.from(data, 'latin1') : data);
    if (!ok) this.waitForDownstream();
  }

  private waitForDownstream(): void {
    this.downstreamFull = true;
    this.upstream?.stream.pause();
    this.downstream.stalled();
  }

  downstreamDrained(): void {
    this.downstreamFull = false;
    if (!this.pipeline?.waits) this.upstream?.stream.resume();
  }

  private pipeDown(): BodyPipeline {
    const pipeline = new BodyPipeline(this.transforms!, {
      output: (bytes) => {
        if (this.eventStream !== undefined) this.eventStream.write(bytes, 0, bytes.length);
        else this.down(this.http10 ? bytes : chunk(bytes));
      },
      finished: () => this.finishResponse(),
      failed: (error) => this.transformFailed(error),
      waiting: (waits) => {
        if (waits) this.upstream?.stream.pause();
        else if (!this.downstreamFull) this.upstream?.stream.resume();
      },
    });
    this.pipeline = pipeline;
    return pipeline;
  }

  /** The upstream has sent all, and has let go of the session. */
  responseComplete(): void {
    this.upstream = null;
    if (this.isOver()) return;
    if (this.pipeline === undefined) return this.finishResponse();
    // Nobody takes the rest of a request that was answered before it was whole.
    if (!this.downstream.body.done) this.downstream.stop();
    this.pipeline.end();
  }

  private finishResponse(): void {
    if (this.payload !== undefined && !this.http10) this.down(LAST_CHUNK);
    this.end('complete');
  }

  protected transformable(inTime: boolean): void {
    if (this.kind === 'websocket') throw new Error('a WebSocket has no body to transform; implement onMessage');
    if (!inTime) throw new Error('it is too late to transform this body: attach it before its head goes on');
  }

  protected switchingHead(): string {
    const { reason, fields } = this.response!;
    return `${statusLine(101, reason || 'Switching Protocols')}${fields}connection: Upgrade\r\nupgrade: websocket\r\n\r\n`;
  }

  private connectionFields(): string {
    if (this.keepAlive)
      return this.http10 ? 'via: 1.1 outrigger\r\nconnection: keep-alive\r\n\r\n' : 'via: 1.1 outrigger\r\n\r\n';
    return 'via: 1.1 outrigger\r\nconnection: close\r\n\r\n';
  }

  get writeTimeout(): number {
    return this.downstream.settings.timeouts.write;
  }

  /** A final head that the upstream has sent is what goes down, unless a hook says otherwise. */
  protected takeHead(parser: ResponseParser): void {
    this.status = parser.status;
    this.response = parser.response;
    this.responseFraming = parser.framing;
    this.isEventStream = parser.eventStream;
  }

  /** What goes down is ours, as hooks see it; undefined: it is still to be made. */
  protected takeOurs(view: ResponseView | undefined, status: number): void {
    this.response = view;
    this.status = status;
  }

  /** Our own answer goes down. */
  protected answer(status: number, text: string, headers: Reject['headers']): void {
    const reply = localReply(status, text, headers);
    const view = this.response ?? reply.view;
    this.takeOurs(view, status);
    if (this.downstream.draining || !this.downstream.body.done) this.keepAlive = false;
    this.head = view.line + view.fields + this.connectionFields();
    this.flushHead(this.headRequest ? '' : reply.body);
  }

  /** Nothing more goes through the transforms. */
  protected stopResponse(): void {
    this.pipeline?.stop();
  }

  /** A WebSocket may live for days: what only its handshake needed goes, and its heads become one piece each. */
  settle(): void {
    this.head = null;
    this.request.line = '';
    this.response!.settle();
    this.request.headers.text = flat(this.request.headers.text);
  }
}
