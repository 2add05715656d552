import {
  type Attempt,
  type Clock,
  type ConnectionHooks,
  createSlot,
  type Outcome,
  recordedTrace,
  type Session,
} from '@outrigger/core';
import { ClientSpan } from './client-span.ts';
import type { Propagation } from './propagation.ts';
import { ServerSpan } from './server-span.ts';
import type { SpanRecord } from './span.ts';
import { formatTraceparent } from './trace-context.ts';

/** The SERVER span of a session that is recorded; stays there when it has been exported. */
const SERVER_SPAN = createSlot<ServerSpan>('tracing');

/** Records a SERVER span per session and a CLIENT span per attempt. A session that is not sampled costs an empty slot. */
export class SessionSpans implements ConnectionHooks {
  readonly #propagation: Propagation;
  readonly #clock: Clock;
  readonly #sink: (span: SpanRecord) => void;

  constructor(propagation: Propagation, clock: Clock, sink: (span: SpanRecord) => void) {
    this.#propagation = propagation;
    this.#clock = clock;
    this.#sink = sink;
  }

  onRequest(session: Session): undefined {
    const parent = this.#propagation.begin(session);
    if (parent === undefined) return;
    session.setState(SERVER_SPAN, new ServerSpan(parent, session, this.#clock.now()));
    session.setState(recordedTrace, parent.traceId);
  }

  onAttempt(session: Session, attempt: Attempt): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined || server.ended) return;
    this.#endAttempt(server);
    const span = new ClientSpan(server, session, attempt, this.#clock.now());
    server.attempt = span;
    attempt.headers.set('traceparent', formatTraceparent(span.parent.traceId, span.spanId, span.parent.flags));
  }

  onAttemptEnd(session: Session, attempt: Attempt): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined || server.attempt === undefined) return;
    server.attempt.answered(attempt, server.epoch + this.#clock.now());
    if (attempt.failure !== undefined) this.#endAttempt(server);
  }

  /** What follows the handshake may last for days: the spans tell of the handshake, and are exported when it is done. */
  onOpen(session: Session): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined || server.ended) return;
    this.#endAttempt(server);
    server.end(session, 101, undefined, this.#clock.now());
    this.#sink(server);
  }

  onSessionEnd(session: Session, outcome: Outcome): void {
    const server = session.state(SERVER_SPAN);
    if (server === undefined || server.ended) return;
    const now = this.#clock.now();
    server.attempt?.relayed(outcome.cause, server.epoch + now);
    this.#endAttempt(server);
    server.end(session, outcome.status, outcome.cause, now);
    this.#sink(server);
  }

  #endAttempt(server: ServerSpan): void {
    if (server.attempt === undefined) return;
    this.#sink(server.attempt);
    server.attempt = undefined;
  }
}
