import {
  type AttemptRecord,
  type Awaitable,
  type BodyTransform,
  type Cause,
  describeCause,
  type Ending,
  type Endpoint,
  type Reject,
  type Scope,
  Timer,
  type Verdict,
  type WebSocketControl,
} from '@outrigger/core';
import { ONE_WRITE } from './chunk.ts';
import type { DownstreamConnection } from './downstream-connection.ts';
import type { Engine } from './engine.ts';
import { withoutLines } from './field-lines.ts';
import { localReply } from './heads.ts';
import type { RequestParser } from './request-parser.ts';
import { RequestUpload } from './request-upload.ts';
import type { ResponseParser } from './response-parser.ts';
import { ResponseSide } from './response-side.ts';
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

const NONE: readonly Endpoint[] = [];

/** One HTTP exchange, or one WebSocket from its handshake on: carries it from a parsed head to its end. */
export class HttpSession extends ResponseSide {
  /** Set while a WebSocket is open. */
  plane: Plane | null = null;
  /** Whether the whole request has gone up: only then may the upstream connection be used again. */
  requestSent = false;
  downstreamError: Error | undefined = undefined;
  readonly #scope: Scope;
  readonly #websocketKey: string;
  #tried: readonly Endpoint[] = NONE;
  readonly #asksToClose: boolean;
  /** What of the body goes up with the head: kept, so that both can be sent again. */
  firstBody: string | undefined = undefined;
  /** Made where there is more of the body than that, or a transform. */
  #upload: RequestUpload | undefined = undefined;
  /** An answer of our own is on its way: whatever was going on is over, a hook may still be thinking about it. */
  #replying = false;
  #total: TotalTimer | undefined = undefined;
  /** How long the current attempt may take to its response's head. */
  #answerWithin = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, downstream: DownstreamConnection, scope: Scope, parser: RequestParser) {
    super(engine, downstream, scope, parser);
    this.#scope = scope;
    this.#asksToClose = !parser.keepAlive;
    this.#websocketKey = parser.websocketKey;
  }

  get websocket(): WebSocketControl | undefined {
    return this.plane?.control;
  }

  transformRequest(transform: BodyTransform): void {
    this.transformable(this.upstream === null && !this.isOver());
    this.#upload ??= new RequestUpload(this);
    this.#upload.transform(transform);
  }

  /** Whether nothing may go on but our own answer. */
  isOver(): boolean {
    return this.ended || this.#replying;
  }

  close(cause: Cause, code?: number, reason?: string): void {
    if (this.isOver()) return;
    if (this.plane !== null) this.plane.closeFor(cause, code, reason);
    else if (this.eventStream !== undefined) this.eventStream.close(cause);
    else if (this.responseStarted) this.abort(cause);
    else this.fail(cause);
  }

  override downstreamDrained(): void {
    if (this.plane === null) super.downstreamDrained();
    else this.plane.drained('downstream');
  }

  override settle(): void {
    super.settle();
    this.firstBody = undefined;
  }

  /** The head is complete: goes through the hooks to the first attempt. */
  begin(): void {
    this.#advance(ON_REQUEST);
  }

  #advance(from: number): void {
    for (let step = from; ; step++) {
      // Asked for anew: a plugin may ignore what follows.
      const { hooks } = this;
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
      if (this.isOver()) return;
      if (verdict === undefined) continue;
      if ('then' in verdict) {
        void verdict.then((late: Verdict) => {
          if (this.isOver()) return;
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
    const { timeouts } = this.engine.clusterSettings(this.cluster!);
    if (this.attempt === undefined && this.kind === 'http') this.#limitTotal(route?.total ?? timeouts.total);
    const endpoint = this.cluster!.pick(this, this.#tried);
    if (endpoint === undefined) {
      const failure = this.attempt?.failure;
      return this.fail(failure?.cause ?? 'no-endpoint', failure?.error);
    }
    const pooled = fresh ? undefined : this.engine.pools.take(endpoint, this.engine.keyOf(this.cluster!));
    const attempt = this.beginAttempt(endpoint, pooled !== undefined);
    if (this.isOver()) {
      pooled?.discard();
      return;
    }
    const { retry } = this.engine;
    const perTry = retry.attemptTimeout === undefined ? Number.POSITIVE_INFINITY : retry.attemptTimeout(this);
    this.#answerWithin = Math.min(route?.response ?? timeouts.response, perTry);
    const changed = this.#upload?.transformed === true && !this.downstream.body.done;
    if (!changed && this.firstBody === undefined && !this.#takeFirstBody()) {
      pooled?.discard();
      return this.fail('downstream-malformed');
    }
    if (pooled !== undefined) pooled.assign(this);
    const upstream = pooled ?? new UpstreamConnection(this.engine, endpoint, this);
    this.upstream = upstream;
    const fields = this.#fieldsFor(attempt, changed);
    write(upstream, `${this.request.line}${fields}\r\n${changed ? '' : this.firstBody}`);
    this.requestSent = !changed && this.downstream.body.done && !this.#hasStreamed();
    if (pooled !== undefined) this.upstreamConnected();
  }

  /** False where its framing is invalid. */
  #takeFirstBody(): boolean {
    this.firstBody = this.downstream.takeFirstBody();
    if (this.firstBody === undefined) return false;
    this.bytesReceived += this.firstBody.length;
    return true;
  }

  /** As they go up in this attempt. `changed`: the body will have another length. */
  #fieldsFor({ endpoint, overlay }: AttemptRecord, changed: boolean): string {
    const { headers, authority } = this.request;
    let fields = headers.text;
    if (authority === '')
      fields += `host: ${endpoint.address.startsWith('unix:') ? 'localhost' : endpoint.address}\r\n`;
    if (this.kind === 'websocket' && this.hooks.onMessage !== null) fields = offerReadable(fields, headers);
    if (overlay !== null) fields = headers.overlaid(fields, overlay);
    if (!changed) return fields;
    return `${withoutLines(withoutLines(fields, 'content-length'), 'transfer-encoding')}transfer-encoding: chunked\r\n`;
  }

  #limitTotal(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#total = new TotalTimer(this);
    this.clock.arm(this.#total, ms);
  }

  /** The connect is done, or was not needed. */
  upstreamConnected(): void {
    const attempt = this.attempt!;
    if (!attempt.reused) attempt.connectMs = this.clock.turn() - attempt.startedAt;
    this.upstream!.expect('upstream-response-timeout', this.#answerWithin);
    if (this.requestSent) return;
    this.#upload ??= new RequestUpload(this);
    this.#upload.begin();
    this.downstream.flow();
  }

  /** A piece of the body as it came. */
  requestBody(b: Buffer, from: number, to: number): void {
    this.bytesReceived += to - from;
    this.#upload!.take(b, from, to);
  }

  /** The body broke the rules, or stalled. */
  bodyFailed(cause: Cause): void {
    if (this.responseStarted) this.abort(cause);
    else this.fail(cause);
  }

  upstreamDrained(): void {
    if (this.plane !== null) this.plane.drained('upstream');
    else this.#upload?.drained();
  }

  /** What went up is with the endpoint: its time for an answer begins anew. */
  awaitAnswer(): void {
    if (this.status === undefined) this.upstream!.expect('upstream-response-timeout', this.#answerWithin);
    else this.upstream!.released();
  }

  /** A final head is complete. True where its body may go on at once; false where a hook is thinking, or the session is over. */
  finalHead(parser: ResponseParser): boolean {
    if (!this.#answered(parser)) return false;
    const { hooks } = this;
    if (hooks.onResponse === null) {
      this.prepare();
      return true;
    }
    const later = () => {
      this.prepare();
      // A hook may have ended the session.
      this.upstream?.proceed();
    };
    if (!this.#responded(hooks.onResponse(this), later)) return false;
    this.prepare();
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
      const upstream = this.upstream!;
      upstream.discard();
      this.upstreamFailed('upstream-handshake', undefined);
      return false;
    }
    const behind = to > from ? Buffer.from(b.subarray(from, to)) : undefined;
    if (!this.#answered(parser)) return false;
    const open = () =>
      openWebSocket(this, this.engine, this.downstream, this.upstream!, {
        extensions,
        behind,
        head: this.switchingHead(),
      });
    const { hooks } = this;
    if (hooks.onResponse === null || this.#responded(hooks.onResponse(this), open)) open();
    return false;
  }

  /** Books a response's head. False where the attempt is repeated instead. */
  #answered(parser: ResponseParser): boolean {
    const attempt = this.attempt!;
    attempt.status = parser.status;
    attempt.headMs = this.clock.turn() - attempt.startedAt;
    if (this.engine.retriesResponses && this.#repeatable()) {
      const retry = this.engine.retry.onFailure(this, attempt);
      if (this.isOver()) return false;
      if (retry !== undefined) {
        this.#letGo();
        this.endAttempt();
        if (!this.isOver()) this.#again(retry.sameEndpoint, retry.delayMs);
        return false;
      }
    }
    this.endAttempt();
    if (this.isOver()) return false;
    this.takeHead(parser);
    return true;
  }

  /** True where the hooks were through at once; else `later` is called when they are. */
  #responded(verdict: Awaitable<Verdict>, later: () => void): boolean {
    if (this.isOver()) return false;
    if (verdict === undefined) return true;
    if ('then' in verdict) {
      void verdict.then((late: Verdict) => {
        if (this.isOver()) return;
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

  override finish(reason: Cause, ending?: Ending): boolean {
    if (this.#total !== undefined) this.clock.disarm(this.#total);
    this.eventStream?.stop();
    if (!super.finish(reason, ending)) return false;
    if (this.plane !== null) this.engine.closes.ended(this, reason, ending);
    return true;
  }

  /** Nothing was sent down, or not all: the upstream has failed and is gone. */
  upstreamFailed(reason: Cause, error: Error | undefined): void {
    this.upstream = null;
    if (this.isOver()) return;
    if (this.responseStarted) return this.abort(reason === 'upstream-reset' ? 'upstream-aborted' : reason, error);
    const attempt = this.attempt!;
    attempt.failure = { cause: reason, error };
    const retry = this.#repeatable() ? this.engine.retry.onFailure(this, attempt) : undefined;
    this.endAttempt(attempt.failure);
    if (this.isOver()) return;
    if (retry === undefined) this.fail(reason, error);
    else this.#again(retry.sameEndpoint, retry.delayMs);
  }

  /** Whether everything that the upstream got can be sent again. */
  #repeatable(): boolean {
    return !this.#hasStreamed() && this.status === undefined;
  }

  #hasStreamed(): boolean {
    return this.#upload?.streamed === true;
  }

  #again(sameEndpoint: boolean, delayMs: number): void {
    if (!sameEndpoint) this.#tried = [...this.#tried, this.attempt!.endpoint];
    this.downstream.stop();
    this.#upload?.again();
    const repeat = () => {
      if (this.isOver()) return;
      // What came meanwhile was too much to keep.
      if (this.#hasStreamed()) this.fail(this.attempt!.failure?.cause ?? 'no-endpoint', this.attempt!.failure?.error);
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
    if (this.isOver()) return;
    const { status, doc } = describeCause(reason);
    if (status === 0) return this.abort(reason, error);
    this.#reply(status, `${reason}: ${doc}`, status === 503 ? { 'retry-after': '1' } : undefined, reason, error);
  }

  /** Answers ourselves; `onResponse` may add to it. */
  #reply(status: number, text: string, headers: Reject['headers'], reason: Cause, error?: Error): void {
    this.#replying = true;
    this.#letGo();
    this.#upload?.stop();
    this.downstream.stop();
    const { hooks } = this;
    const { view } = localReply(status, text, headers);
    this.takeOurs(view, status);
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
    this.takeOurs(undefined, verdict.status);
    this.plugin = verdict.plugin;
    this.#write(verdict.status, verdict.reason, verdict.headers, cause(verdict));
  }

  #write(status: number, text: string, headers: Reject['headers'], reason: Cause, error?: Error): void {
    this.answer(status, text, headers);
    this.end(reason, error);
  }

  /** Cuts the session: the client sees that what it has is not the whole. */
  abort(reason: Cause, error?: Error): void {
    if (this.ended) return;
    this.#letGo();
    this.#upload?.stop();
    this.stopResponse();
    const { stream } = this.downstream;
    this.finish(reason, { error });
    // Without a length or chunks, a FIN would say that the response is complete.
    if (this.http10 && this.payload !== undefined) stream.reset(reason);
    else stream.destroy(reason);
  }

  protected end(reason: Cause, error?: Error): void {
    this.#letGo();
    this.#upload?.stop();
    this.finish(reason, { error });
    this.downstream.sessionDone(this.keepAlive, this.#asksToClose);
  }

  #letGo(): void {
    const upstream = this.upstream;
    this.upstream = null;
    upstream?.discard();
  }

  transformFailed(error: unknown): void {
    this.engine.logger.error('a body transform failed', {
      session: this.id,
      error: error instanceof Error ? error.stack : String(error),
    });
    if (this.responseStarted) this.abort('internal', error as Error);
    else this.fail('internal', error as Error);
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

/** A head with what belongs to it, in as few copies as it takes. */
function write(upstream: UpstreamConnection, text: string): void {
  upstream.stream.write(text.length <= ONE_WRITE ? text : Buffer.from(text, 'latin1'));
}

function cause(verdict: Reject): Cause {
  return verdict.plugin === undefined ? 'internal' : `plugin:${verdict.plugin}`;
}
