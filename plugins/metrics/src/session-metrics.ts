import {
  type Attempt,
  type Clock,
  type ConnectionHooks,
  errorType,
  type Lifecycle,
  type Outcome,
  recordedTrace,
  type Session,
  type Sessions,
} from '@outrigger/core';
import { countAttempt } from './attempt-counts.ts';
import { ClusterSeries } from './cluster-series.ts';
import { httpInstruments } from './http-instruments.ts';
import { ListenerTotals } from './listener-totals.ts';
import { MessageSeries } from './message-series.ts';
import { methodIndex } from './methods.ts';
import type { Registry } from './registry.ts';
import { RouteSeries } from './route-series.ts';
import { WebSocketEnds } from './websocket-ends.ts';

/**
 * What sessions take and carry, by the HTTP conventions of OpenTelemetry where they have a name for it. On each session's way:
 * a route's series are found once and kept, and a request costs a few additions.
 */
export class SessionMetrics implements ConnectionHooks, Lifecycle {
  readonly instruments: ReturnType<typeof httpInstruments>;
  readonly messages: MessageSeries;
  readonly #totals: ListenerTotals;
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  readonly #webSockets: WebSocketEnds;
  // Those of the last session are most often those of the next one.
  #lastRoute: object | undefined;
  #lastSeries: RouteSeries | undefined;
  #lastCluster: object | undefined;
  #lastAttempts: ClusterSeries | undefined;
  readonly #routes = new WeakMap<object, RouteSeries>();
  readonly #clusters = new WeakMap<object, ClusterSeries>();

  constructor(registry: Registry, sessions: Sessions, clock: Clock) {
    this.#clock = clock;
    this.instruments = httpInstruments(registry);
    this.#sessions = sessions;
    this.messages = new MessageSeries(registry);
    this.#totals = new ListenerTotals(registry, sessions);
    this.#webSockets = new WebSocketEnds(registry);
  }

  start(): void {
    this.#totals.start();
    this.messages.start();
    // Those that began with an instance of this plugin that a reload has replaced.
    for (const session of this.#sessions) if (session.websocket !== undefined) this.#tally(session);
  }

  stop(): void {
    this.#totals.stop();
    this.messages.stop();
  }

  onAttemptEnd(session: Session, attempt: Attempt): void {
    const { cluster } = session;
    if (cluster === undefined) return;
    if (cluster !== this.#lastCluster) {
      let known = this.#clusters.get(cluster);
      if (known === undefined) {
        known = new ClusterSeries(cluster.name, this.instruments);
        this.#clusters.set(cluster, known);
      }
      this.#lastCluster = cluster;
      this.#lastAttempts = known;
    }
    if (attempt.reused) this.#lastAttempts!.reused.add();
    else this.#lastAttempts!.opened.add();
    const ms = attempt.failure === undefined ? attempt.headMs : this.#clock.turn() - attempt.startedAt;
    if (ms === undefined) return;
    const method = methodIndex(session.request.method);
    const status = attempt.status ?? 0;
    const cause = attempt.failure?.cause;
    const duration = this.#lastAttempts!.duration(method, status, cause);
    const bucket = duration.record(ms / 1_000, session.state(recordedTrace));
    countAttempt(attempt.endpoint, bucket, duration.counts.length, status, cause);
  }

  /** A WebSocket's request is over with its 101; what follows is a session of its own. */
  onOpen(session: Session): void {
    this.#tally(session);
    const ms = this.#clock.turn() + this.#clock.epoch - session.startedAt;
    this.#seriesOf(session)
      .duration(session, 101, undefined)
      .record(ms / 1_000, session.state(recordedTrace));
  }

  onSessionEnd(session: Session, outcome: Outcome): void {
    const series = this.#seriesOf(session);
    const { status = 0, cause, durationMs } = outcome;
    series.totals.ended(session.kind, outcome);
    if (session.kind === 'websocket') {
      if (status === 101) return this.#webSockets.ended(series, outcome);
      this.#webSockets.refused(session, outcome);
    }
    const error =
      cause === 'complete' && status < 500 ? undefined : errorType(status, cause, session.response?.local ?? false);
    series.duration(session, status, error).record(durationMs / 1_000, session.state(recordedTrace));
  }

  #tally(session: Session): void {
    session.messageTally = this.messages.of(session.connection.listener.name, session.route?.name ?? '');
  }

  #seriesOf(session: Session): RouteSeries {
    const { listener } = session.connection;
    const key = session.route ?? listener;
    if (key === this.#lastRoute) return this.#lastSeries!;
    let series = this.#routes.get(key);
    if (series === undefined) {
      series = new RouteSeries(listener, session.route, this.instruments.server, this.#totals.of(listener.name));
      this.#routes.set(key, series);
    }
    this.#lastRoute = key;
    this.#lastSeries = series;
    return series;
  }
}
