import {
  type Awaitable,
  type BodyTransform,
  type Cause,
  describeCause,
  type Ending,
  type Endpoint,
  latin1,
  type Reject,
  type ResponseHead,
  randomHex,
  type Scope,
  SessionRecord,
  Timer,
  type Verdict,
  type WebSocketControl,
} from '@outrigger/core';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from './body-framing.ts';
import { BodyPipeline } from './body-pipeline.ts';
import type { DownstreamConnection } from './downstream-connection.ts';
import type { Engine } from './engine.ts';
import { EventStream } from './event-stream.ts';
import { withoutLines } from './field-lines.ts';
import { localReply, RequestView, ResponseView, statusLine } from './heads.ts';
import type { RequestParser } from './request-parser.ts';
import type { ResponseParser } from './response-parser.ts';
import type { RouteSettings } from './settings.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import { areOffered, areReadable, isAccepted, offerReadable } from './websocket/handshake.ts';
import { openWebSocket } from './websocket/open.ts';
import type { Plane } from './websocket/plane.ts';

// The steps of a request on its way up; a hook that returns a promise suspends between two.
const ON_REQUEST = 0;
const ON_UPGRADE = 1;
const ROUTE = 2;
const ON_ROUTE = 3;

/** Up to here head and body go out in one string: libuv sends it at once, without a copy that outlives the call. */
const ONE_WRITE = 16 * 1024;

const NONE: readonly Endpoint[] = [];
const LAST_CHUNK = '0\r\n\r\n';

/** One HTTP exchange, or one WebSocket from its handshake on: carries it from a parsed head to its end. */
export class HttpSession extends SessionRecord {
  readonly id: string;
  readonly request: RequestView;
  readonly headRequest: boolean;
  readonly http10: boolean;
  /** Set while a WebSocket is open. */
  plane: Plane | null = null;
  /** Set while server-sent events go down. */
  eventStream: EventStream | undefined = undefined;
  /** Takes the response's body without its framing, where it does not pass as it is. */
  payload: ((b: Buffer, from: number, to: number) => void) | undefined = undefined;
  /** Whether the whole request has gone up: only then may the upstream connection be used again. */
  requestSent = false;
  downstreamError: Error | undefined = undefined;
  readonly #engine: Engine;
  readonly #downstream: DownstreamConnection;
  readonly #scope: Scope;
  readonly #websocketKey: string;
  #upstream: UpstreamConnection | null = null;
  #tried: readonly Endpoint[] = NONE;
  #keepAlive: boolean;
  readonly #asksToClose: boolean;
  /** The piece of the body that went up with the head: kept, so that both can be sent again. */
  #firstBody: string | undefined = undefined;
  /** How many bytes of the body are kept, as the policy says; asked when more comes than went up with the head. */
  #keep: number | undefined = undefined;
  /** Whether more of the body has gone up than what is kept. */
  #streamed = false;
  #requestPipeline: BodyPipeline | undefined = undefined;
  #requestTransforms: BodyTransform[] | undefined = undefined;
  #responsePipeline: BodyPipeline | undefined = undefined;
  #responseTransforms: BodyTransform[] | undefined = undefined;
  #response: ResponseView | undefined = undefined;
  // The response's head before anybody asked for it.
  #line = '';
  #reason = '';
  #fields = '';
  #framing: Framing = NO_BODY;
  #isEventStream = false;
  /** The head as it goes down, until it is written. */
  #head: string | null = null;
  #responseStarted = false;
  /** An answer of our own is on its way: whatever was going on is over, a hook may still be thinking about it. */
  #replying = false;
  // A write was refused, and its drain has not come.
  #upstreamFull = false;
  #downstreamFull = false;
  #local = false;
  #total: TotalTimer | undefined = undefined;
  /** How long the current attempt may take to its response's head. */
  #answerWithin = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, downstream: DownstreamConnection, scope: Scope, parser: RequestParser) {
    const kind = parser.websocket ? 'websocket' : 'http';
    super(kind, downstream.connection, scope.hooks, scope.generation, engine.clock, engine.sessions);
    this.#engine = engine;
    this.#downstream = downstream;
    this.#scope = scope;
    let { fields } = parser;
    if (parser.requestId === '') {
      this.id = randomHex(16);
      fields += `x-request-id: ${this.id}\r\n`;
    } else this.id = parser.requestId;
    this.request = new RequestView(parser, fields);
    this.headRequest = parser.method === 'HEAD';
    this.http10 = parser.http10;
    this.#keepAlive = parser.keepAlive;
    this.#asksToClose = !parser.keepAlive;
    this.#websocketKey = parser.websocketKey;
  }

  get response(): ResponseHead | undefined {
    if (this.#response === undefined && this.status !== undefined) {
      this.#response = new ResponseView(this.status, this.#reason, this.#fields, this.#local);
    }
    return this.#response;
  }

  get websocket(): WebSocketControl | undefined {
    return this.plane?.control;
  }

  transformRequest(transform: BodyTransform): void {
    this.#transformable(this.#upstream === null && !this.#isOver());
    this.#requestTransforms ??= [];
    this.#requestTransforms.push(transform);
  }

  transformResponse(transform: BodyTransform): void {
    this.#transformable(!this.#responseStarted && this.#head === null && !this.#isOver());
    this.#responseTransforms ??= [];
    this.#responseTransforms.push(transform);
  }

  /** Whether nothing may go on but our own answer. */
  #isOver(): boolean {
    return this.ended || this.#replying;
  }

  close(cause: Cause, code?: number, reason?: string): void {
    if (this.#isOver()) return;
    if (this.plane !== null) this.plane.closeFor(cause, code, reason);
    else if (this.eventStream !== undefined) this.eventStream.close(cause);
    else if (this.#responseStarted) this.abort(cause);
    else this.fail(cause);
  }

  /** A WebSocket may live for days: what only its handshake needed goes, and its heads become one piece each. */
  settle(): void {
    this.#firstBody = undefined;
    this.#head = null;
    this.#line = '';
    this.request.line = '';
    this.#fields = flat(this.#fields);
    this.request.headers.text = flat(this.request.headers.text);
  }

  // On the way up

  /** The head is complete: goes through the hooks to the first attempt. */
  begin(): void {
    this.#advance(ON_REQUEST);
  }

  #advance(from: number): void {
    const { hooks } = this;
    for (let step = from; ; step++) {
      let verdict: Awaitable<Verdict>;
      switch (step) {
        case ON_REQUEST:
          if (hooks.onRequest !== null) verdict = hooks.onRequest(this);
          break;
        case ON_UPGRADE:
          if (hooks.onUpgrade !== null && this.kind === 'websocket') verdict = hooks.onUpgrade(this);
          break;
        case ROUTE:
          if (this.cluster === undefined && !this.#route()) return;
          break;
        case ON_ROUTE:
          if (hooks.onRoute !== null) verdict = hooks.onRoute(this);
          break;
        default:
          this.#attempt();
          return;
      }
      if (this.#isOver()) return;
      if (verdict === undefined) continue;
      if ('then' in verdict) {
        void verdict.then((late: Verdict) => {
          if (this.#isOver()) return;
          if (late === undefined) this.#advance(step + 1);
          else this.#rejected(late);
        });
      } else this.#rejected(verdict);
      return;
    }
  }

  #route(): boolean {
    const route = this.#scope.router.route(this);
    if (route === undefined) this.fail('no-route');
    else if ('kind' in route) this.#reply(route.status, route.reason, route.headers, 'ambiguous-path');
    else {
      this.route = route;
      this.cluster = route.cluster;
      return true;
    }
    return false;
  }

  /** Picks an endpoint and sends the head to it. */
  #attempt(fresh = false): void {
    const route = (this.route?.settings as RouteSettings | undefined)?.timeouts;
    const { timeouts } = this.#engine.clusterSettings(this.cluster!);
    if (this.attempt === undefined && this.kind === 'http') this.#limitTotal(route?.total ?? timeouts.total);
    const endpoint = this.cluster!.pick(this, this.#tried);
    if (endpoint === undefined) {
      const failure = this.attempt?.failure;
      return this.fail(failure?.cause ?? 'no-endpoint', failure?.error);
    }
    const pooled = fresh ? undefined : this.#engine.pools.take(endpoint, this.#engine.keyOf(this.cluster!));
    const attempt = this.beginAttempt(endpoint, pooled !== undefined);
    if (this.#isOver()) {
      pooled?.discard();
      return;
    }
    const { retry } = this.#engine;
    const perTry = retry.attemptTimeout === undefined ? Number.POSITIVE_INFINITY : retry.attemptTimeout(this);
    this.#answerWithin = Math.min(route?.response ?? timeouts.response, perTry);
    const { overlay } = attempt;
    let fields = this.request.headers.text;
    if (this.request.authority === '')
      fields += `host: ${endpoint.address.startsWith('unix:') ? 'localhost' : endpoint.address}\r\n`;
    if (this.kind === 'websocket' && this.hooks.onMessage !== null)
      fields = offerReadable(fields, this.request.headers);
    if (overlay !== null) fields = this.request.headers.overlaid(fields, overlay);
    const changed = this.#requestTransforms !== undefined && !this.#downstream.body.done;
    if (changed)
      fields = `${withoutLines(withoutLines(fields, 'content-length'), 'transfer-encoding')}transfer-encoding: chunked\r\n`;
    else if (this.#firstBody === undefined) {
      this.#firstBody = this.#downstream.takeFirstBody();
      if (this.#firstBody === undefined) {
        pooled?.discard();
        return this.fail('downstream-malformed');
      }
      this.bytesReceived += this.#firstBody.length;
    }

    if (pooled !== undefined) pooled.assign(this);
    const upstream = pooled ?? new UpstreamConnection(this.#engine, endpoint, this);
    this.#upstream = upstream;
    write(upstream, `${this.request.line}${fields}\r\n${changed ? '' : this.#firstBody}`);
    this.requestSent = !changed && this.#downstream.body.done && !this.#streamed;
    if (pooled !== undefined) this.upstreamConnected();
  }

  #limitTotal(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#total = new TotalTimer(this);
    this.clock.arm(this.#total, ms);
  }

  /** The connect is done, or was not needed. */
  upstreamConnected(): void {
    const attempt = this.attempt!;
    if (!attempt.reused) attempt.connectMs = this.clock.now() - attempt.startedAt;
    this.#upstream!.expect('upstream-response-timeout', this.#answerWithin);
    if (this.requestSent) return;
    if (this.#requestTransforms !== undefined && this.#requestPipeline === undefined) {
      this.#streamed = true;
      this.#requestPipeline = this.#pipeUp();
    }
    this.#downstream.flow();
  }

  /** A piece of the body as it came. */
  requestBody(b: Buffer, from: number, to: number): void {
    this.bytesReceived += to - from;
    const { done } = this.#downstream.body;
    if (this.#requestPipeline !== undefined) {
      if (done) this.#requestPipeline.end();
      return;
    }
    if (to > from && !this.#streamed) this.#keepBody(b, from, to);
    if (this.#upstream === null) return;
    if (to > from) {
      this.#wentUp(this.#upstream.stream.writeLent(b, from, to));
    }
    if (done) this.requestSent = true;
  }

  /** Keeps one more piece, where the policy wants so much; else the request cannot be sent again. */
  #keepBody(b: Buffer, from: number, to: number): void {
    this.#keep ??= this.#engine.retry.keepBody(this);
    if (this.#firstBody!.length + to - from <= this.#keep) this.#firstBody += latin1(b, from, to);
    else this.#streamed = true;
  }

  /** The body broke the rules, or stalled. */
  bodyFailed(cause: Cause): void {
    if (this.#responseStarted) this.abort(cause);
    else this.fail(cause);
  }

  upstreamDrained(): void {
    if (this.plane !== null) return this.plane.drained('upstream');
    if (!this.#upstreamFull) return;
    this.#upstreamFull = false;
    this.#wentUp(true);
    if (!this.requestSent && !this.#requestPipeline?.waits) this.#downstream.flow();
  }

  /** A piece of the request has gone up; `taken`: the endpoint keeps up, and its time for an answer begins anew. */
  #wentUp(taken: boolean): void {
    const upstream = this.#upstream!;
    if (!taken) {
      this.#upstreamFull = true;
      this.#downstream.stop();
      upstream.expect('upstream-write-timeout', this.writeTimeout);
    } else if (!this.#upstreamFull) {
      if (this.status === undefined) upstream.expect('upstream-response-timeout', this.#answerWithin);
      else upstream.released();
    }
  }

  /** The request's body without its framing goes through the transforms and up as chunks. */
  #pipeUp(): BodyPipeline {
    const pipeline = new BodyPipeline(this.#requestTransforms!, {
      output: (bytes) => {
        if (this.#upstream !== null) this.#wentUp(this.#upstream.stream.write(chunk(bytes)));
      },
      finished: () => {
        if (this.#upstream === null) return;
        this.#wentUp(this.#upstream.stream.write(LAST_CHUNK));
        this.requestSent = true;
      },
      failed: (error) => this.#transformFailed(error),
      waiting: (waits) => {
        if (waits) this.#downstream.stop();
        else if (!this.#upstreamFull && !this.#isOver()) this.#downstream.flow();
      },
    });
    this.#downstream.body.unframe((b, from, to) => pipeline.write(b, from, to));
    return pipeline;
  }

  // On the way down

  /** A 1xx other than 101: goes to clients that know of them. */
  informational(parser: ResponseParser): void {
    if (!this.http10 && !this.#responseStarted) {
      this.#down(`${parser.line}${parser.fields}\r\n`);
    }
  }

  /** A final head is complete. True where its body may go on at once; false where a hook is thinking, or the session is over. */
  finalHead(parser: ResponseParser): boolean {
    if (!this.#answered(parser)) return false;
    const { hooks } = this;
    if (hooks.onResponse === null) {
      this.#prepare();
      return true;
    }
    const later = () => {
      this.#prepare();
      // A hook may have ended the session.
      this.#upstream?.proceed();
    };
    if (!this.#responded(hooks.onResponse(this), later)) return false;
    this.#prepare();
    return true;
  }

  /** A 101 is complete; `b` holds what came behind it. True never: its connection belongs to the WebSocket, or to nobody. */
  switching(parser: ResponseParser, b: Buffer, from: number, to: number): boolean {
    const { websocketExtensions: extensions } = parser;
    const accepted =
      this.kind === 'websocket' &&
      isAccepted(parser, this.#websocketKey, this.request.headers) &&
      areOffered(extensions, this.request.headers) &&
      (this.hooks.onMessage === null || areReadable(extensions));
    if (!accepted) {
      const upstream = this.#upstream!;
      upstream.discard();
      this.upstreamFailed('upstream-handshake', undefined);
      return false;
    }
    const behind = to > from ? Buffer.from(b.subarray(from, to)) : undefined;
    if (!this.#answered(parser)) return false;
    const open = () =>
      openWebSocket(this, this.#engine, this.#downstream, this.#upstream!, {
        extensions,
        behind,
        head: this.#switchingHead(),
      });
    const { hooks } = this;
    if (hooks.onResponse === null || this.#responded(hooks.onResponse(this), open)) open();
    return false;
  }

  /** Books a response's head. False where the attempt is repeated instead. */
  #answered(parser: ResponseParser): boolean {
    const attempt = this.attempt!;
    attempt.status = parser.status;
    attempt.headMs = this.clock.now() - attempt.startedAt;
    if (this.#engine.retriesResponses && this.#repeatable()) {
      const retry = this.#engine.retry.onFailure(this, attempt);
      if (this.#isOver()) return false;
      if (retry !== undefined) {
        this.#letGo();
        this.endAttempt();
        if (!this.#isOver()) this.#again(retry.sameEndpoint, retry.delayMs);
        return false;
      }
    }
    this.endAttempt();
    if (this.#isOver()) return false;
    this.status = parser.status;
    this.#line = parser.line;
    this.#reason = parser.reason;
    this.#fields = parser.fields;
    this.#framing = parser.framing;
    this.#isEventStream = parser.eventStream;
    return true;
  }

  /** True where the hooks were through at once; else `later` is called when they are. */
  #responded(verdict: Awaitable<Verdict>, later: () => void): boolean {
    if (this.#isOver()) return false;
    if (verdict === undefined) return true;
    if ('then' in verdict) {
      void verdict.then((late: Verdict) => {
        if (this.#isOver()) return;
        if (late === undefined) later();
        else this.#replace(late);
      });
    } else this.#replace(verdict);
    return false;
  }

  /** `onResponse` has refused the response: ours goes down instead. */
  #replace(verdict: Reject): void {
    this.#replying = true;
    this.#letGo();
    this.#refuse(verdict);
  }

  /** Composes the head, and decides how the body goes down. */
  #prepare(): void {
    let fields = this.#response?.headers.text ?? this.#fields;
    const changed = this.#responseTransforms !== undefined && this.#framing !== NO_BODY;
    if (changed) fields = withoutLines(withoutLines(fields, 'content-length'), 'transfer-encoding');
    let closes = !this.#keepAlive || this.#downstream.draining || !this.#downstream.body.done;
    const events = this.#isEventStream && this.#framing >= CHUNKED && !this.http10;
    if (events) this.eventStream = new EventStream(this.clock, this.#eventSink());
    if (changed || events || this.#framing === UNTIL_CLOSE || (this.#framing === CHUNKED && this.http10)) {
      if (this.http10) closes = true;
      else if (!this.headRequest && (changed || this.#framing !== CHUNKED)) fields += 'transfer-encoding: chunked\r\n';
      if (changed) {
        const pipeline = this.#pipeDown();
        this.payload = (b, from, to) => pipeline.write(b, from, to);
      } else if (this.http10) this.payload = (b, from, to) => this.relay(b, from, to);
      else if (events) this.payload = (b, from, to) => this.eventStream!.write(b, from, to);
      else this.payload = (b, from, to) => this.#relayChunk(b, from, to);
    }
    this.#keepAlive = !closes;
    this.#head = this.#line + fields + this.#connectionFields();
    if (this.payload !== undefined) this.#flushHead('');
    if (events && this.hooks.onEventStream !== null) this.hooks.onEventStream(this);
  }

  #eventSink(): ConstructorParameters<typeof EventStream>[1] {
    return {
      write: (b, from, to) => this.#relayChunk(b, from, to),
      end: (cause) => {
        this.#responsePipeline?.stop();
        this.#down(LAST_CHUNK);
        this.#end(cause);
      },
      cut: (cause) => this.abort(cause),
    };
  }

  /** A piece of the body goes down as it is; with the first one, or with none, the head. `text`: the same, where it is text already. */
  relay(b: Buffer, from: number, to: number, text = ''): void {
    let head = '';
    if (this.#head !== null) {
      head = this.#head;
      this.#head = null;
      this.#responseStarted = true;
    } else if (from === to) return;
    this.bytesSent += head.length + to - from;
    const { stream } = this.#downstream;
    const ok = text === '' ? stream.writeLent(b, from, to, head) : stream.write(head + text);
    if (!ok) this.#waitForDownstream();
  }

  #relayChunk(b: Buffer, from: number, to: number): void {
    if (to > from) this.#down(chunk(b.subarray(from, to)));
  }

  #flushHead(body: string): void {
    const head = this.#head!;
    this.#head = null;
    this.#responseStarted = true;
    this.#down(head + body);
  }

  #down(data: string | Buffer): void {
    this.bytesSent += data.length;
    const { stream } = this.#downstream;
    const ok = stream.write(typeof data === 'string' && data.length > ONE_WRITE ? Buffer.from(data, 'latin1') : data);
    if (!ok) this.#waitForDownstream();
  }

  #waitForDownstream(): void {
    this.#downstreamFull = true;
    this.#upstream?.stream.pause();
    this.#downstream.stalled();
  }

  downstreamDrained(): void {
    this.#downstreamFull = false;
    if (this.plane !== null) this.plane.drained('downstream');
    else if (!this.#responsePipeline?.waits) this.#upstream?.stream.resume();
  }

  #pipeDown(): BodyPipeline {
    const pipeline = new BodyPipeline(this.#responseTransforms!, {
      output: (bytes) => {
        if (this.eventStream !== undefined) this.eventStream.write(bytes, 0, bytes.length);
        else this.#down(this.http10 ? bytes : chunk(bytes));
      },
      finished: () => this.#finishResponse(),
      failed: (error) => this.#transformFailed(error),
      waiting: (waits) => {
        if (waits) this.#upstream?.stream.pause();
        else if (!this.#downstreamFull) this.#upstream?.stream.resume();
      },
    });
    this.#responsePipeline = pipeline;
    return pipeline;
  }

  /** The upstream has sent all, and has let go of the session. */
  responseComplete(): void {
    this.#upstream = null;
    if (this.#isOver()) return;
    if (this.#responsePipeline === undefined) return this.#finishResponse();
    // Nobody takes the rest of a request that was answered before it was whole.
    if (!this.#downstream.body.done) this.#downstream.stop();
    this.#responsePipeline.end();
  }

  #finishResponse(): void {
    if (this.payload !== undefined && !this.http10) this.#down(LAST_CHUNK);
    this.#end('complete');
  }

  // Ends

  override finish(reason: Cause, ending?: Ending): boolean {
    if (this.#total !== undefined) this.clock.disarm(this.#total);
    this.eventStream?.stop();
    if (!super.finish(reason, ending)) return false;
    if (this.plane !== null) this.#engine.closes.ended(this, reason, ending);
    return true;
  }

  /** Nothing was sent down, or not all: the upstream has failed and is gone. */
  upstreamFailed(reason: Cause, error: Error | undefined): void {
    this.#upstream = null;
    if (this.#isOver()) return;
    if (this.#responseStarted) return this.abort(reason === 'upstream-reset' ? 'upstream-aborted' : reason, error);
    const attempt = this.attempt!;
    attempt.failure = { cause: reason, error };
    const retry = this.#repeatable() ? this.#engine.retry.onFailure(this, attempt) : undefined;
    this.endAttempt(attempt.failure);
    if (this.#isOver()) return;
    if (retry === undefined) this.fail(reason, error);
    else this.#again(retry.sameEndpoint, retry.delayMs);
  }

  /** Whether everything that the upstream got can be sent again. */
  #repeatable(): boolean {
    return !this.#streamed && this.status === undefined;
  }

  #again(sameEndpoint: boolean, delayMs: number): void {
    if (!sameEndpoint) this.#tried = [...this.#tried, this.attempt!.endpoint];
    this.#downstream.stop();
    this.#upstreamFull = false;
    const repeat = () => {
      if (this.#isOver()) return;
      // What came meanwhile was too much to keep.
      if (this.#streamed) this.fail(this.attempt!.failure?.cause ?? 'no-endpoint', this.attempt!.failure?.error);
      else this.#attempt(sameEndpoint);
    };
    if (delayMs > 0) this.clock.after(delayMs, repeat);
    else repeat();
  }

  #rejected(verdict: Reject): void {
    this.plugin = verdict.plugin;
    this.#reply(verdict.status, verdict.reason, verdict.headers, cause(verdict));
  }

  /** Ends the session with the answer that belongs to the cause. Nothing may have gone down. */
  fail(reason: Cause, error?: Error): void {
    if (this.#isOver()) return;
    const { status, doc } = describeCause(reason);
    if (status === 0) return this.abort(reason, error);
    this.#reply(status, `${reason}: ${doc}`, status === 503 ? { 'retry-after': '1' } : undefined, reason, error);
  }

  /** Answers ourselves; `onResponse` may add to it. */
  #reply(status: number, text: string, headers: Reject['headers'], reason: Cause, error?: Error): void {
    this.#replying = true;
    this.#letGo();
    this.#requestPipeline?.stop();
    this.#downstream.stop();
    const { hooks } = this;
    const { view } = localReply(status, text, headers);
    this.#local = true;
    this.#response = view;
    this.status = status;
    const verdict = hooks.onResponse === null ? undefined : hooks.onResponse(this);
    if (this.ended) return;
    if (verdict === undefined) this.#write(status, text, headers, reason, error);
    else if ('then' in verdict) {
      void verdict.then((late: Verdict) => {
        if (this.ended) return;
        if (late === undefined) this.#write(status, text, headers, reason, error);
        else this.#refuse(late);
      });
    } else this.#refuse(verdict);
  }

  /** `onResponse` has refused what was to go down: its verdict does. */
  #refuse(verdict: Reject): void {
    this.#response = undefined;
    this.plugin = verdict.plugin;
    this.#write(verdict.status, verdict.reason, verdict.headers, cause(verdict));
  }

  #write(status: number, text: string, headers: Reject['headers'], reason: Cause, error?: Error): void {
    const reply = localReply(status, text, headers);
    const view = this.#response ?? reply.view;
    this.#local = true;
    this.#response = view;
    this.status = status;
    if (this.#downstream.draining || !this.#downstream.body.done) this.#keepAlive = false;
    this.#head = statusLine(status, view.reason) + view.headers.text + this.#connectionFields();
    this.#flushHead(this.headRequest ? '' : reply.body);
    this.#end(reason, error);
  }

  /** Cuts the session: the client sees that what it has is not the whole. */
  abort(reason: Cause, error?: Error): void {
    if (this.ended) return;
    this.#letGo();
    this.#requestPipeline?.stop();
    this.#responsePipeline?.stop();
    const { stream } = this.#downstream;
    this.finish(reason, { error });
    // Without a length or chunks, a FIN would say that the response is complete.
    if (this.http10 && this.payload !== undefined) stream.reset(reason);
    else stream.destroy(reason);
  }

  #end(reason: Cause, error?: Error): void {
    this.#letGo();
    this.#requestPipeline?.stop();
    this.finish(reason, { error });
    this.#downstream.sessionDone(this.#keepAlive, this.#asksToClose);
  }

  #letGo(): void {
    const upstream = this.#upstream;
    this.#upstream = null;
    upstream?.discard();
  }

  #transformFailed(error: unknown): void {
    this.#engine.logger.error('a body transform failed', {
      session: this.id,
      error: error instanceof Error ? error.stack : String(error),
    });
    if (this.#responseStarted) this.abort('internal', error as Error);
    else this.fail('internal', error as Error);
  }

  #transformable(inTime: boolean): void {
    if (this.kind === 'websocket') throw new Error('a WebSocket has no body to transform; implement onMessage');
    if (!inTime) throw new Error('it is too late to transform this body: attach it before its head goes on');
  }

  #switchingHead(): string {
    const fields = this.#response?.headers.text ?? this.#fields;
    return `${statusLine(101, this.#reason || 'Switching Protocols')}${fields}connection: Upgrade\r\nupgrade: websocket\r\n\r\n`;
  }

  #connectionFields(): string {
    if (this.#keepAlive)
      return this.http10 ? 'via: 1.1 outrigger\r\nconnection: keep-alive\r\n\r\n' : 'via: 1.1 outrigger\r\n\r\n';
    return 'via: 1.1 outrigger\r\nconnection: close\r\n\r\n';
  }

  get writeTimeout(): number {
    return this.#downstream.settings.timeouts.write;
  }
}

/** `timeouts.total`. */
class TotalTimer extends Timer {
  readonly #session: HttpSession;

  constructor(session: HttpSession) {
    super();
    this.#session = session;
  }

  expired(): void {
    this.#session.close('upstream-total-timeout');
  }
}

/** A string that was put together from others holds on to all of them, and costs 32 bytes for each. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** A head with what belongs to it, in as few copies as it takes. */
function write(upstream: UpstreamConnection, text: string): void {
  upstream.stream.write(text.length <= ONE_WRITE ? text : Buffer.from(text, 'latin1'));
}

/** One chunk; the bytes are copied. */
function chunk(bytes: Buffer): Buffer {
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, bytes, CRLF]);
}
const CRLF = Buffer.from('\r\n', 'latin1');

function cause(verdict: Reject): Cause {
  return verdict.plugin === undefined ? 'internal' : `plugin:${verdict.plugin}`;
}
