import {
  type Attempt,
  type Clock,
  type ConnectionHooks,
  createSlot,
  type Ignore,
  ignore,
  type Message,
  type Outcome,
  recordedTrace,
  type Session,
  type Side,
} from '@outrigger/core';
import { ClientSpan } from './client-span.ts';
import { MessageSpan } from './message-span.ts';
import { OpenWebSocket } from './open-websocket.ts';
import type { Propagation } from './propagation.ts';
import { ServerSpan } from './server-span.ts';
import type { SpanRecord } from './span.ts';

/** The SERVER span of a session that is recorded, until it ends. */
const SERVER_SPAN = createSlot<ServerSpan | undefined>('tracing');
/** What follows where that was a WebSocket's handshake. */
const WEBSOCKET = createSlot<OpenWebSocket>('tracing: websocket');

export interface SessionSpansOptions {
  readonly propagation: Propagation;
  readonly clock: Clock;
  /** How long a segment of a WebSocket lasts, in milliseconds; Infinity: as long as the session. */
  readonly segmentMs: number;
  /** Takes spans that have ended, and will not change any more. */
  readonly sink: (span: SpanRecord) => void;
}

/**
 * Records a SERVER span per session, a CLIENT span per attempt, and segments of open WebSockets. A session that is not sampled
 * is left alone once its headers say so.
 */
export class SessionSpans implements ConnectionHooks {
  readonly #propagation: Propagation;
  readonly #clock: Clock;
  readonly #segmentMs: number;
  readonly #sink: (span: SpanRecord) => void;

  constructor({ propagation, clock, segmentMs, sink }: SessionSpansOptions) {
    this.#propagation = propagation;
    this.#clock = clock;
    this.#segmentMs = segmentMs;
    this.#sink = sink;
  }

  onRequest(session: Session): Ignore | undefined {
    const parent = this.#propagation.begin(session);
    if (parent === undefined) return ignore;
    session.setState(SERVER_SPAN, new ServerSpan(parent, session, this.#clock.epoch));
    session.setState(recordedTrace, parent.traceId);
    return undefined;
  }

  onAttempt(session: Session, attempt: Attempt): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined) return;
    this.#endAttempt(server);
    const span = new ClientSpan(server, session, attempt);
    server.attempt = span;
    this.#propagation.inject(attempt.headers, span.parent.traceId, span.spanId, span.parent.flags);
  }

  onAttemptEnd(session: Session, attempt: Attempt): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined || server.attempt === undefined) return;
    const { headMs } = attempt;
    const now = headMs === undefined ? this.#clock.turn() : attempt.startedAt + headMs;
    server.attempt.answered(attempt, server.epoch + now);
    if (attempt.failure !== undefined) this.#endAttempt(server);
  }

  /** What follows the handshake may last for days: the spans tell of the handshake, and are exported when it is done. */
  onOpen(session: Session): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined) return;
    this.#endAttempt(server);
    server.end(session, 101, undefined, server.epoch + this.#clock.turn());
    this.#sink(server);
    session.setState(SERVER_SPAN, undefined);
    const { parent, spanId } = server;
    const handshake = { traceId: parent.traceId, spanId, flags: parent.flags };
    session.setState(WEBSOCKET, new OpenWebSocket(session, handshake, this.#clock, this.#segmentMs, this.#sink));
  }

  onPong(session: Session, side: Side, rttMs: number): void {
    session.state(WEBSOCKET)?.answered(side, rttMs);
  }

  onSessionEnd(session: Session, outcome: Outcome): void {
    session.state(WEBSOCKET)?.end(outcome);
    const server = session.state(SERVER_SPAN);
    if (server === undefined) return;
    const endedAt = server.startedAt + outcome.durationMs;
    server.attempt?.relayed(outcome.cause, endedAt);
    this.#endAttempt(server);
    server.end(session, outcome.status, outcome.cause, endedAt);
    this.#sink(server);
  }

  #endAttempt(server: ServerSpan): void {
    if (server.attempt === undefined) return;
    this.#sink(server.attempt);
    server.attempt = undefined;
  }
}

/** Records some of the messages, too: so it takes the WebSockets that are recorded, and only those, to the messages plane. */
export class MessageSpans extends SessionSpans {
  readonly #ratio: number;
  readonly #clock: Clock;
  readonly #sink: (span: SpanRecord) => void;

  /** `ratio` is the share of the messages that is recorded. */
  constructor(options: SessionSpansOptions, ratio: number) {
    super(options);
    this.#ratio = ratio;
    this.#clock = options.clock;
    this.#sink = options.sink;
  }

  watchesMessages(session: Session): boolean {
    return session.state(SERVER_SPAN) !== undefined;
  }

  onMessage(session: Session, message: Message): undefined {
    const segment = session.state(WEBSOCKET)?.segment;
    if (segment === undefined || Math.random() >= this.#ratio) return;
    this.#sink(new MessageSpan(segment, message, this.#clock.wallTime()));
  }
}
