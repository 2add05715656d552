import {
  type ByteStream,
  type Cause,
  type ConnectSink,
  type Endpoint,
  flushIfQuiet,
  OutriggerError,
  Timer,
} from '@outrigger/core';
import { BodyFraming, type Framing, INVALID, NO_BODY, UNTIL_CLOSE } from './body-framing.ts';
import type { Engine } from './engine.ts';
import { HeadScanner, NEED_MORE } from './head-scanner.ts';
import type { HttpSession } from './http-session.ts';
import { RESPONSE_NAMES, ResponseParser } from './response-parser.ts';

const scanner = new HeadScanner(RESPONSE_NAMES);
const parser = new ResponseParser();

/** After our FIN, so long is waited for the endpoint's. */
const LINGER_MS = 2_000;

/** So long before the endpoint's own `Keep-Alive: timeout=` a connection is given up: both must not act at once (undici's margin). */
const KEEP_ALIVE_MARGIN_MS = 1_000;

// What the connection is doing.
const HEAD = 0;
/** A hook is thinking about the head; what comes is kept. */
const HOLD = 1;
const BODY = 2;
const TUNNEL = 3;
const IDLE = 4;
/** We have sent our last byte; what comes is thrown away until the endpoint's end. */
const LINGER = 5;
const GONE = 6;

/** A response up to this long becomes text as a whole, head and body: it goes down as text. */
const SMALL = 4 * 1024;

const NOTHING: Buffer = Buffer.alloc(0);

/** A connection to an endpoint: carries one session at a time, and waits in the pool between two. */
export class UpstreamConnection extends Timer implements ConnectSink {
  readonly endpoint: Endpoint;
  readonly stream: ByteStream;
  /** {@link Engine.keyOf} its cluster at the connect. */
  readonly key: unknown;
  session: HttpSession | null;
  /** Whether the connect is done. */
  established = false;
  readonly #engine: Engine;
  readonly #body = new BodyFraming();
  #state = HEAD;
  /** What the one timer ends the session with. */
  #overdue: Cause = 'connect-timeout';
  #held = NOTHING;
  #ended = false;
  #framing: Framing = NO_BODY;
  #length = 0;
  #keepAlive = true;
  #idleMs = 0;
  #idleSince = 0;
  /** Kept where the timer is for a reader: whether he reads at all. */
  #sentAtTimer = 0;
  #error: Error | undefined;

  constructor(engine: Engine, endpoint: Endpoint, session: HttpSession) {
    super();
    this.#engine = engine;
    this.endpoint = endpoint;
    this.session = session;
    const cluster = session.cluster!;
    this.key = engine.keyOf(cluster);
    engine.clock.arm(this, engine.clusterSettings(cluster).timeouts.connect);
    this.stream = engine.connectorOf(cluster).connect(endpoint, cluster, this);
    this.stream.onDrain(() => this.session?.upstreamDrained());
  }

  /** Out of the pool, into a session. */
  assign(session: HttpSession): void {
    this.session = session;
    this.#state = HEAD;
  }

  /** Arms the one timer, unless the connect has it still: `cause` ends the session when nothing re-arms it for `ms`. */
  expect(cause: Cause, ms: number): void {
    if (!this.established) return;
    this.#overdue = cause;
    if (cause === 'upstream-write-timeout') this.#sentAtTimer = this.stream.sent;
    this.#engine.clock.arm(this, ms);
  }

  expired(): void {
    const reads = this.stream.sent !== this.#sentAtTimer;
    if (this.#state === IDLE) this.discard();
    else if (this.#state === LINGER) {
      if (this.stream.buffered > 0 && reads) this.#linger();
      else this.discard();
    } else if (this.#overdue === 'upstream-write-timeout' && reads) {
      // A slow reader is not a stalled one.
      this.stalled();
    } else if (this.#state === TUNNEL) this.session!.plane!.cut('upstream', this.#overdue);
    else this.#fail(this.#overdue);
  }

  /** How long it has been in the pool. */
  get idleMs(): number {
    return this.#engine.clock.coarse() - this.#idleSince;
  }

  connected(): void {
    this.established = true;
    const { session } = this;
    if (session === null) return;
    const { keepalive } = this.#engine.clusterSettings(session.cluster!).tcp;
    if (keepalive !== Number.POSITIVE_INFINITY) this.stream.keepAlive(keepalive);
    this.#engine.clock.suspend(this);
    session.upstreamConnected();
  }

  bytes(b: Buffer, from: number, to: number): void {
    switch (this.#state) {
      case BODY:
        this.#bodyBytes(b, from, to);
        return;
      case TUNNEL:
        this.session!.plane!.bytes('upstream', b, from, to);
        return;
      case HEAD:
        this.#headBytes(b, from, to);
        return;
      case HOLD:
        this.#hold(b, from, to);
        return;
      case IDLE:
        // Nothing was asked: whatever this is, it must not become the answer to somebody else's request.
        this.discard();
    }
  }

  end(): void {
    this.#ended = true;
    switch (this.#state) {
      case HEAD:
        this.#fail('upstream-reset');
        return;
      case BODY:
        if (this.#framing === UNTIL_CLOSE) this.#complete(true);
        else this.#fail('upstream-aborted');
        return;
      case TUNNEL:
        this.session!.plane!.end('upstream');
        return;
      case IDLE:
        this.discard();
    }
  }

  error(error: Error): void {
    this.#error = error;
  }

  closed(): void {
    const state = this.#state;
    if (state === TUNNEL) {
      this.#state = GONE;
      this.session!.plane!.closed('upstream', this.#error);
    } else if (state === IDLE) this.discard();
    else if (state === HEAD) this.#fail(this.established ? 'upstream-reset' : connectCause(this.#error));
    else if (state === BODY) this.#fail('upstream-aborted');
    else if (state === LINGER) this.discard();
  }

  /** Lets go of the socket and of the session, which is told nothing. */
  discard(): void {
    if (this.#state === GONE) return;
    if (this.#state === IDLE) this.#engine.pools.remove(this);
    this.#state = GONE;
    this.session = null;
    this.#held = NOTHING;
    this.#engine.clock.disarm(this);
    this.stream.destroy('complete');
  }

  /** The hooks are through with a final head: its body goes on from what was kept. */
  proceed(): void {
    const held = this.#held;
    this.#held = NOTHING;
    this.stream.resume();
    this.#begin(held, 0, held.length);
  }

  /** From here on bytes are the plane's. Returns those that came behind the 101. */
  tunnel(): Buffer {
    this.#state = TUNNEL;
    this.#engine.clock.disarm(this);
    const held = this.#held;
    this.#held = NOTHING;
    return held;
  }

  /** The plane has taken what came before; and the endpoint may have gone meanwhile. */
  startTunnel(): void {
    if (this.#state !== TUNNEL) return;
    if (this.stream.destroyed) this.session!.plane!.closed('upstream', this.#error);
    else if (this.#ended) this.session!.plane!.end('upstream');
    else this.stream.resume();
  }

  // The leg of a plane

  stalled(): void {
    this.expect('upstream-write-timeout', this.session!.writeTimeout);
  }

  released(): void {
    this.#engine.clock.suspend(this);
  }

  close(): void {
    if (this.#state !== TUNNEL) return this.discard();
    this.#state = LINGER;
    this.session = null;
    this.stream.end();
    this.stream.resume();
    this.#linger();
  }

  #linger(): void {
    this.#sentAtTimer = this.stream.sent;
    this.#engine.clock.arm(this, LINGER_MS);
  }

  #headBytes(b: Buffer, from: number, to: number): void {
    const session = this.session!;
    if (this.#held.length > 0) {
      b = Buffer.concat([this.#held, b.subarray(from, to)]);
      from = 0;
      to = b.length;
      this.#held = NOTHING;
    }
    let behind = '';
    for (;;) {
      const end = scanner.scan(b, from, to);
      if (end === NEED_MORE) {
        this.#held = Buffer.from(b.subarray(from, to));
        return;
      }
      if (end < 0) return this.#fail('upstream-malformed');
      // Head and body in one piece of text, where both are small and have come together.
      behind = scanner.read(to - from > SMALL ? end : to);
      if (!parser.parse(scanner, session.headRequest, session.http10)) return this.#fail('upstream-malformed');
      from = end;
      if (parser.status >= 200 || parser.status === 101) break;
      session.informational(parser);
      if (this.session !== session || from === to) return;
    }

    this.#framing = parser.framing;
    this.#length = parser.length;
    this.#keepAlive = parser.keepAlive;
    this.#idleMs = parser.keepAliveMs;
    // A request that is still going up has to be read, whatever was answered.
    if (this.#overdue !== 'upstream-write-timeout') this.#engine.clock.suspend(this);
    this.#state = HOLD;
    const proceed = parser.status === 101 ? session.switching(parser, b, from, to) : session.finalHead(parser);
    if (this.session !== session || this.#state !== HOLD) return;
    if (proceed) this.#begin(b, from, to, behind);
    else this.#hold(b, from, to);
  }

  /** `text`: the same bytes, where they are text already. */
  #begin(b: Buffer, from: number, to: number, text = ''): void {
    const session = this.session!;
    this.#state = BODY;
    this.#body.begin(this.#framing, this.#length, session.payload);
    this.#bodyBytes(b, from, to, text);
    if (this.#state !== BODY) return;
    // What came to pass while a hook was thinking: the end, or a reset, which ends no body.
    if (this.#ended) this.end();
    else if (this.stream.destroyed) this.#fail('upstream-aborted');
  }

  #bodyBytes(b: Buffer, from: number, to: number, text = ''): void {
    const session = this.session!;
    const end = this.#body.take(b, from, to);
    if (end === INVALID) return this.#fail('upstream-malformed');
    if (session.payload === undefined) session.relay(b, from, end, end === to ? text : '');
    if (!this.#body.done || this.session !== session) return;
    // The client need not wait for our books.
    flushIfQuiet();
    this.#complete(end < to);
  }

  /** The response is whole. `dirty`: the connection cannot carry another one. */
  #complete(dirty: boolean): void {
    const session = this.session!;
    this.session = null;
    this.#state = IDLE;
    const { timeouts, pool } = this.#engine.clusterSettings(session.cluster!);
    const idleMs = Math.min(timeouts.idle, this.#idleMs - KEEP_ALIVE_MARGIN_MS);
    const reusable =
      !dirty && this.#keepAlive && session.requestSent && !this.#ended && !this.stream.destroyed && idleMs > 0;
    if (reusable && this.#engine.pools.put(this, pool.idle)) {
      this.stream.resume();
      this.#idleSince = this.#engine.clock.coarse();
      this.#engine.clock.arm(this, idleMs);
    } else this.discard();
    session.responseComplete();
  }

  #hold(b: Buffer, from: number, to: number): void {
    if (to > from) this.#held = Buffer.concat([this.#held, b.subarray(from, to)]);
    this.stream.pause();
  }

  #fail(cause: Cause): void {
    const { session } = this;
    const error = this.#error;
    this.discard();
    session?.upstreamFailed(cause, error);
  }
}

function connectCause(error: NodeJS.ErrnoException | undefined): Cause {
  if (error instanceof OutriggerError) return error.reason;
  if (error?.code === 'ECONNREFUSED') return 'connect-refused';
  return error?.code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed';
}
