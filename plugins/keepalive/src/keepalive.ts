import {
  type AdminDetails,
  type Clock,
  type ConnectionHooks,
  createSlot,
  type Histogram,
  type Metrics,
  type Session,
  type Side,
} from '@outrigger/core';
import { EventStreamTimer } from './event-stream-timer.ts';
import { Policies } from './policy.ts';
import type { KeepaliveSettings } from './settings.ts';
import type { Random, StreamTimer } from './stream-timer.ts';
import { WebSocketTimer } from './websocket-timer.ts';

/** A long-lived session's timer. */
const timer = createSlot<StreamTimer>('keepalive');

/** Seconds; from a loopback to a satellite, and what is nearly a timeout. */
const RTT_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Null before the first Pong. */
const PING_MS = { type: ['number', 'null'], minimum: 0 };

/** Gives each WebSocket and event stream its timer, and passes on what pings measure. */
export class Keepalive implements ConnectionHooks, AdminDetails {
  readonly #policies: Policies;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #rtt: Readonly<Record<Side, Histogram>>;

  constructor(settings: KeepaliveSettings, clock: Clock, metrics: Metrics, random: Random = Math.random) {
    this.#policies = new Policies(settings);
    this.#clock = clock;
    this.#random = random;
    const rtt = metrics.histogram('outrigger_websocket_ping_duration_seconds', {
      doc: 'Time from a Ping of ours to its Pong.',
      unit: 's',
      labels: ['side'],
      buckets: RTT_BUCKETS,
    });
    this.#rtt = { downstream: rtt.with('downstream'), upstream: rtt.with('upstream') };
  }

  onOpen(session: Session): void {
    this.#watch(session, new WebSocketTimer(session, this.#policies.of(session), this.#clock, this.#random));
  }

  onEventStream(session: Session): void {
    this.#watch(session, new EventStreamTimer(session, this.#policies.of(session), this.#clock, this.#random));
  }

  onPong(session: Session, side: Side, rttMs: number): void {
    this.#rtt[side].record(rttMs / 1_000);
    const own = session.state(timer);
    if (!(own instanceof WebSocketTimer)) return;
    if (side === 'upstream') own.upstreamRtt = rttMs;
    else own.downstreamRtt = rttMs;
  }

  onSessionEnd(session: Session): void {
    session.state(timer)?.stop();
  }

  readonly schemas: NonNullable<AdminDetails['schemas']> = {
    session: {
      pingMs: {
        type: 'object',
        properties: { downstream: PING_MS, upstream: PING_MS },
        required: ['downstream', 'upstream'],
        additionalProperties: false,
      },
    },
  };

  /** For `/sessions`. */
  session(session: Session): object | undefined {
    const own = session.state(timer);
    if (!(own instanceof WebSocketTimer)) return undefined;
    const shown = (ms: number) => (ms < 0 ? null : Math.round(ms * 1_000) / 1_000);
    return { pingMs: { downstream: shown(own.downstreamRtt), upstream: shown(own.upstreamRtt) } };
  }

  #watch(session: Session, own: StreamTimer): void {
    session.setState(timer, own);
    own.expired();
  }
}
