import type {
  Cause,
  Clock,
  Cluster,
  Connection,
  Connector,
  Counter,
  Lifecycle,
  Logger,
  Metrics,
  OpenSessions,
  RetryPolicy,
} from '@outrigger/core';
import type { DownstreamConnection } from './downstream-connection.ts';
import { Pools } from './pool.ts';
import { type ClusterSettings, clusterSettings } from './settings.ts';
import { CloseReport } from './websocket/close-report.ts';

/** What all connections of this protocol share. */
export class Engine implements Lifecycle {
  readonly pools = new Pools();
  /** The open downstream connections. */
  readonly downstreams = new Set<DownstreamConnection>();
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessions: OpenSessions;
  readonly closes: CloseReport;
  readonly retry: RetryPolicy;
  /** Whether a plugin gave the policy: then it is asked about response heads, too. */
  readonly retriesResponses: boolean;
  readonly #refused: ReturnType<Metrics['counter']>;
  readonly #cut: Counter;
  readonly #connectors: ReadonlyMap<string, Connector>;

  constructor(
    clock: Clock,
    logger: Logger,
    metrics: Metrics,
    sessions: OpenSessions,
    connectors: readonly Connector[],
    retry: { policy: RetryPolicy; responses: boolean },
  ) {
    this.clock = clock;
    this.logger = logger;
    this.sessions = sessions;
    this.closes = new CloseReport(logger, metrics);
    this.retry = retry.policy;
    this.retriesResponses = retry.responses;
    this.#refused = metrics.counter('outrigger_requests_refused_total', {
      doc: 'Requests that were answered before they became a session: malformed, too large, too slow.',
      labels: ['listener', 'cause'],
    });
    this.#cut = metrics
      .counter('outrigger_drain_cut_total', { doc: 'Sessions that were still open at the deadline of a drain.' })
      .with();
    this.#connectors = new Map(connectors.map((connector) => [connector.name, connector]));
  }

  /** Nothing is pooled any more. */
  stop(): void {
    this.pools.shut();
  }

  /** What a pooled connection must have been made with to serve this cluster now: undefined over plain TCP. */
  keyOf(cluster: Cluster): unknown {
    return cluster.connector === 'tcp' ? undefined : this.connectorOf(cluster).key?.(cluster);
  }

  connectorOf(cluster: Cluster): Connector {
    const connector = this.#connectors.get(cluster.connector);
    if (connector === undefined)
      throw new Error(`no plugin provides the connector "${cluster.connector}" of cluster ${cluster.name}`);
    return connector;
  }

  /** Books a request that never became a session. */
  refused(connection: Connection, cause: Cause): void {
    this.#refused.with(connection.listener.name, cause).add();
    this.logger.debug('request refused', { listener: connection.listener.name, connection: connection.id, cause });
  }

  /** Books sessions that a drain has cut at its deadline. */
  cut(sessions: number): void {
    this.#cut.add(sessions);
    this.logger.warn('a drain has cut what was still open at its deadline', {
      sessions,
      remedy: 'raise drain.timeout or drain.rate',
    });
  }

  clusterSettings(cluster: Cluster): ClusterSettings {
    return clusterSettings(cluster.settings);
  }
}
