import { ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions';
import { MESSAGE_SIZE_BOUNDS, type Outcome, type Session, type Side } from '@outrigger/core';
import { newTraceId } from './ids.ts';
import { CAUSE, CLUSTER, LISTENER, ROUTE, SESSION_ID } from './outrigger-attributes.ts';
import { RoundTrips } from './round-trips.ts';
import { SizeHistogram } from './size-histogram.ts';
import { LOCAL, SpanKind, SpanRecord } from './span.ts';
import { keyOf, type SpanWriter } from './span-writer.ts';
import { SAMPLED } from './trace-context.ts';

const BYTES_RECEIVED = keyOf('outrigger.websocket.bytes.received');
const BYTES_SENT = keyOf('outrigger.websocket.bytes.sent');
const CLOSE_CODE_RECEIVED = keyOf('outrigger.websocket.close_code.received');
const CLOSE_CODE_SENT = keyOf('outrigger.websocket.close_code.sent');
const ERROR_TYPE = keyOf(ATTR_ERROR_TYPE);
const INITIATOR = keyOf('outrigger.websocket.initiator');
const MESSAGES_RECEIVED = keyOf('outrigger.websocket.messages.received');
const MESSAGES_SENT = keyOf('outrigger.websocket.messages.sent');
const NUMBER = keyOf('outrigger.websocket.segment');
const PINGS = { downstream: pingKeys('downstream'), upstream: pingKeys('upstream') };
const SIZES_BOUNDS = keyOf('outrigger.websocket.sizes.bounds');
const SIZES_RECEIVED = keyOf('outrigger.websocket.sizes.received');
const SIZES_SENT = keyOf('outrigger.websocket.sizes.sent');
const UNDELIVERED = keyOf('outrigger.websocket.undelivered');

function pingKeys(side: Side) {
  const key = (name: string) => keyOf(`outrigger.websocket.ping.${side}.${name}`);
  return { count: key('count'), min: key('min_ms'), mean: key('mean_ms'), max: key('max_ms') };
}

/** Ends by a Close that somebody asked for: none of them is a failure. */
const ORDERLY: ReadonlySet<string> = new Set(['complete', 'drain', 'expired', 'route-changed', 'endpoint-gone']);

/** What names the handshake's SERVER span. */
export interface Handshake {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

interface Counts {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
}

const NOTHING: Counts = { bytesReceived: 0, bytesSent: 0, messagesReceived: 0, messagesSent: 0 };

function grown(now: Counts, before: Counts): Counts {
  return {
    bytesReceived: now.bytesReceived - before.bytesReceived,
    bytesSent: now.bytesSent - before.bytesSent,
    messagesReceived: now.messagesReceived - before.messagesReceived,
    messagesSent: now.messagesSent - before.messagesSent,
  };
}

/**
 * A piece of an open WebSocket: what came and went in that time, and at the end how it ended. A trace of its own, linked to the
 * handshake's SERVER span: work that lasts is one (OpenTelemetry, "Links between spans"), and who waits for a trace to be whole
 * need not wait for days.
 */
export class SegmentSpan extends SpanRecord {
  readonly kind = SpanKind.INTERNAL;
  readonly number: number;
  readonly sizes = { downstream: new SizeHistogram(), upstream: new SizeHistogram() };
  readonly pings = { downstream: new RoundTrips(), upstream: new RoundTrips() };
  readonly #session: Session;
  readonly #handshake: Handshake;
  /** What had been counted when it began. */
  readonly #before: Counts;
  // Set by `end`.
  #grown: Counts = NOTHING;
  #outcome: Outcome | undefined = undefined;

  /** `number` from 1; `startedAt` in wall-clock milliseconds. */
  constructor(session: Session, handshake: Handshake, number: number, startedAt: number) {
    super({ traceId: newTraceId(), spanId: undefined, remote: false, flags: SAMPLED, traceState: '' }, startedAt);
    this.#session = session;
    this.#handshake = handshake;
    this.number = number;
    this.#before = grown(session, NOTHING);
  }

  /** Takes what has come and gone in it; `outcome` where the session has ended. */
  end(outcome: Outcome | undefined, endedAt: number): void {
    this.#grown = grown(this.#session, this.#before);
    this.#outcome = outcome;
    this.endedAt = endedAt;
  }

  protected describe(out: SpanWriter): void {
    const session = this.#session;
    out.name('websocket segment');
    out.link(this.#handshake.traceId, this.#handshake.spanId, this.#handshake.flags | LOCAL);
    out.text(SESSION_ID, session.id);
    out.text(LISTENER, session.connection.listener.name);
    if (session.route !== undefined) out.text(ROUTE, session.route.name);
    if (session.cluster !== undefined) out.text(CLUSTER, session.cluster.name);
    out.number(NUMBER, this.number);
    out.number(BYTES_RECEIVED, this.#grown.bytesReceived);
    out.number(BYTES_SENT, this.#grown.bytesSent);
    this.#describeMessages(out);
    this.#describePings(out, 'downstream');
    this.#describePings(out, 'upstream');
    if (this.#outcome !== undefined) describeEnd(out, this.#outcome);
  }

  #describeMessages(out: SpanWriter): void {
    const { messagesReceived: received, messagesSent: sent } = this.#grown;
    out.number(MESSAGES_RECEIVED, received);
    out.number(MESSAGES_SENT, sent);
    if (received + sent > 0) out.counts(SIZES_BOUNDS, MESSAGE_SIZE_BOUNDS);
    if (received > 0) out.counts(SIZES_RECEIVED, this.sizes.downstream.counts);
    if (sent > 0) out.counts(SIZES_SENT, this.sizes.upstream.counts);
  }

  #describePings(out: SpanWriter, side: Side): void {
    const pings = this.pings[side];
    if (pings.count === 0) return;
    const keys = PINGS[side];
    out.number(keys.count, pings.count);
    out.number(keys.min, pings.min);
    out.number(keys.mean, pings.mean);
    out.number(keys.max, pings.max);
  }
}

function describeEnd(out: SpanWriter, outcome: Outcome): void {
  const { cause, initiator, closeCodeReceived, closeCodeSent, undelivered } = outcome;
  out.text(CAUSE, cause);
  out.text(INITIATOR, initiator);
  if (closeCodeReceived !== undefined) out.number(CLOSE_CODE_RECEIVED, closeCodeReceived);
  if (closeCodeSent !== undefined) out.number(CLOSE_CODE_SENT, closeCodeSent);
  if (undelivered > 0) out.number(UNDELIVERED, undelivered);
  if (ORDERLY.has(cause)) return;
  out.text(ERROR_TYPE, cause);
  out.failed();
}
