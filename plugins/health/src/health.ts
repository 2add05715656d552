import type {
  AdminDetails,
  Clock,
  Cluster,
  ConnectionHooks,
  Connector,
  Counter,
  Endpoint,
  EndpointWeight,
  Lifecycle,
  Logger,
  Metrics,
  OutReason,
  Sidecar,
} from '@outrigger/core';
import { describedHealth } from './described-health.ts';
import { EndpointHealth, type Offence, type Surroundings } from './endpoint-health.ts';
import { judgeAttempt, judgeEnd, slackers } from './outliers.ts';
import { Panic } from './panic.ts';
import type { HealthSettings, OutlierSettings } from './settings.ts';

export interface HealthParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sidecar: Sidecar;
  readonly connectors: readonly Connector[];
  readonly random: () => number;
}

/** So often the states are brought in line with the clusters. */
const SWEEP_MS = 1_000;

/** Knows the health of every endpoint of the clusters that ask for it. */
export class Health implements EndpointWeight, Lifecycle {
  readonly hooks: ConnectionHooks;
  readonly details: AdminDetails;
  readonly #parts: HealthParts;
  readonly #connectors: ReadonlyMap<string, Connector>;
  readonly #around: Surroundings;
  readonly #states = new Map<Endpoint, EndpointHealth>();
  readonly #panic: Panic;
  /** The first list of each cluster: who is in it has not arrived, but was there. */
  readonly #first = new WeakMap<Cluster, Cluster['endpoints']>();
  /** When the success rates of a cluster were looked at. */
  readonly #looked = new WeakMap<Cluster, number>();
  #listener: (endpoint: Endpoint) => void = () => {};
  #sweep: Disposable | undefined;
  #collecting: Disposable | undefined;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#connectors = new Map(parts.connectors.map((connector) => [connector.name, connector]));
    const { metrics } = parts;
    const changes = metrics.counter('outrigger_endpoint_changes_total', {
      doc: 'Endpoints that were taken out, and that came in again.',
      labels: ['cluster', 'endpoint', 'to'],
    });
    const checks = metrics.counter('outrigger_health_checks_total', {
      doc: 'Active checks.',
      labels: ['cluster', 'endpoint', 'result'],
    });
    const series = new WeakMap<EndpointHealth, readonly [passed: Counter, failed: Counter]>();
    this.#around = {
      clock: parts.clock,
      random: parts.random,
      connectorOf: ({ connector }) => this.#connectors.get(connector),
      changed: (state, came, why) => {
        if (came !== undefined) {
          changes.with(state.cluster.name, state.endpoint.address, came).add();
          this.#tell(state, came, why);
          this.#panic.count(state.cluster);
        }
        this.#listener(state.endpoint);
      },
      checked: (state, passed) => {
        let pair = series.get(state);
        if (pair === undefined) {
          const of = (result: string) => checks.with(state.cluster.name, state.endpoint.address, result);
          pair = [of('passed'), of('failed')];
          series.set(state, pair);
        }
        pair[passed ? 0 : 1].add();
      },
    };
    this.#panic = new Panic(
      (endpoint) => this.#states.get(endpoint)?.isOut === true,
      ({ name, endpoints }, on, isIn) => {
        const fields = { cluster: name, in: isIn, of: endpoints.length };
        if (on) parts.logger.warn('too few endpoints are in: all are used', fields);
        else parts.logger.info('enough endpoints are in again', fields);
      },
    );
    this.hooks = {
      wanted: ({ clusters }) => clusters.some(({ settings }) => settings['outlier'] !== undefined),
      onAttemptEnd: (session, attempt) => {
        const { cluster } = session;
        const settings = cluster?.settings['outlier'] as OutlierSettings | undefined;
        if (settings === undefined) return;
        const state = this.#states.get(attempt.endpoint);
        if (state !== undefined) this.#eject(state, settings, judgeAttempt(state, settings, session, attempt));
      },
      onSessionEnd: (session, outcome) => {
        const { cluster } = session;
        const settings = cluster?.settings['outlier'] as OutlierSettings | undefined;
        if (settings === undefined) return;
        const endpoint = session.attempts.at(-1)?.endpoint;
        const state = endpoint && this.#states.get(endpoint);
        if (state !== undefined) this.#eject(state, settings, judgeEnd(state, settings, session, outcome));
      },
    };
    this.details = {
      cluster: (cluster) => (isAsked(cluster) ? { panic: this.#panic.holds(cluster) } : undefined),
      endpoint: (endpoint) => {
        const state = this.#states.get(endpoint);
        return state && { health: state.describe() };
      },
      schemas: { cluster: { panic: { type: 'boolean' } }, endpoint: { health: describedHealth } },
    };
  }

  factor(endpoint: Endpoint, cluster: Cluster): number {
    if (!isAsked(cluster)) return 1;
    const state = this.#stateOf(endpoint, cluster);
    return state.isOut && this.#panic.holds(cluster) ? 1 : state.factor();
  }

  outBecause(endpoint: Endpoint): OutReason | undefined {
    return this.#states.get(endpoint)?.outBecause;
  }

  onChange(listener: (endpoint: Endpoint) => void): void {
    this.#listener = listener;
  }

  start(): void {
    const out = this.#parts.metrics.gauge('outrigger_endpoints_out', {
      doc: 'Endpoints that may not be picked: checks fail, or they are ejected.',
      labels: ['cluster'],
    });
    const panic = this.#parts.metrics.gauge('outrigger_cluster_panic', {
      doc: '1 while so few endpoints are in that all are used (`panicThreshold`), else 0.',
      labels: ['cluster'],
    });
    this.#collecting = this.#parts.metrics.onCollect(() => {
      for (const cluster of this.#parts.sidecar.clusterStates()) {
        if (!isAsked(cluster)) continue;
        out.with(cluster.name).set(this.#statesOf(cluster).filter(({ isOut }) => isOut).length);
        panic.with(cluster.name).set(this.#panic.holds(cluster) ? 1 : 0);
      }
    });
    this.#sweepNow();
  }

  stop(): void {
    this.#sweep?.[Symbol.dispose]();
    this.#collecting?.[Symbol.dispose]();
    for (const state of this.#states.values()) state.dispose();
    this.#states.clear();
  }

  /** States begin with their endpoints, follow the settings, and end when the endpoints are gone. */
  #sweepNow(): void {
    const listed = new Set<Endpoint>();
    for (const cluster of this.#parts.sidecar.clusterStates()) {
      if (!isAsked(cluster)) continue;
      const health = cluster.settings['health'] as HealthSettings | undefined;
      for (const endpoint of cluster.endpoints) {
        listed.add(endpoint);
        this.#stateOf(endpoint, cluster).configure(health);
      }
      this.#compare(cluster);
      // The threshold may be another one since a reload.
      const [any] = cluster.endpoints;
      if (this.#panic.count(cluster) && any !== undefined) this.#listener(any);
    }
    for (const [endpoint, state] of this.#states) {
      if (listed.has(endpoint)) continue;
      this.#states.delete(endpoint);
      state.dispose();
      // Where the settings went, the endpoint is whole again.
      this.#listener(endpoint);
    }
    this.#sweep = this.#parts.clock.after(SWEEP_MS, () => this.#sweepNow());
  }

  #stateOf(endpoint: Endpoint, cluster: Cluster): EndpointHealth {
    let state = this.#states.get(endpoint);
    if (state === undefined) {
      state = new EndpointHealth(endpoint, cluster, this.#around);
      this.#states.set(endpoint, state);
      const first = this.#first.get(cluster);
      if (first === undefined) this.#first.set(cluster, cluster.endpoints);
      else if (first !== cluster.endpoints) state.arrived();
    }
    return state;
  }

  #statesOf(cluster: Cluster): EndpointHealth[] {
    return cluster.endpoints.map((endpoint) => this.#states.get(endpoint)).filter((state) => state !== undefined);
  }

  #eject(state: EndpointHealth, settings: OutlierSettings, offence: Offence | undefined): void {
    if (offence === undefined || state.ejectedFor !== undefined) return;
    const peers = this.#statesOf(state.cluster);
    const ejected = peers.filter(({ ejectedFor }) => ejectedFor !== undefined).length;
    if (ejected >= Math.max(1, Math.floor(settings.maxEjected * peers.length))) return;
    if (peers.every((peer) => peer === state || peer.isOut)) return;
    state.eject(offence, settings);
  }

  /** Once in each interval: who succeeds less than the others goes, and who was in is forgiven one ejection. */
  #compare(cluster: Cluster): void {
    const settings = cluster.settings['outlier'] as OutlierSettings | undefined;
    const now = this.#parts.clock.now();
    if (settings === undefined || now - (this.#looked.get(cluster) ?? Number.NEGATIVE_INFINITY) < settings.interval)
      return;
    this.#looked.set(cluster, now);
    const states = this.#statesOf(cluster);
    for (const state of states) {
      const wasIn = state.ejectedFor === undefined && now - state.unejectedAt >= settings.interval;
      if (wasIn && state.timesEjected > 0) state.timesEjected--;
    }
    for (const state of slackers(states, settings)) this.#eject(state, settings, 'success-rate');
    for (const state of states) {
      state.requests = 0;
      state.successes = 0;
    }
  }

  #tell(state: EndpointHealth, came: 'in' | 'out', why: string): void {
    const fields = { cluster: state.cluster.name, endpoint: state.endpoint.address, why };
    if (came === 'in') return this.#parts.logger.info('an endpoint is in again', fields);
    const { until } = state;
    this.#parts.logger.warn('an endpoint is out', {
      ...fields,
      ...(until !== undefined && { until: new Date(until).toISOString(), times: state.timesEjected }),
    });
  }
}

function isAsked({ settings }: Cluster): boolean {
  return (settings['health'] ?? settings['outlier'] ?? settings['slowStart']) !== undefined;
}
