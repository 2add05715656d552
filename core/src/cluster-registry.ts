import type { Balancer, Cluster, Discovery, Endpoint, EndpointSpec, EndpointWeight, Sample } from './cluster.ts';
import type { Composition } from './composition.ts';
import type { ClusterSpec } from './configuration.ts';
import type { Logger } from './logger.ts';
import type { Session } from './session.ts';

/** An endpoint with its counts, which sessions keep. It lives as long as its address stays in the list. */
export class EndpointRecord implements Endpoint {
  readonly address: string;
  weight: number;
  metadata: Readonly<Record<string, unknown>>;
  /** IP addresses behind a name. */
  resolved: readonly string[] | undefined;
  requests = 0;
  streams = 0;

  constructor(spec: EndpointSpec) {
    this.address = spec.address;
    this.weight = spec.weight ?? 1;
    this.metadata = spec.metadata ?? {};
    this.resolved = spec.resolved;
  }

  update(spec: EndpointSpec): void {
    this.weight = spec.weight ?? 1;
    this.metadata = spec.metadata ?? {};
    this.resolved = spec.resolved;
  }
}

/** A cluster for as long as the process lives, whatever generation names it. */
class ClusterRecord implements Cluster {
  readonly name: string;
  endpoints: readonly EndpointRecord[] = [];
  settings: Readonly<Record<string, unknown>>;
  spec: ClusterSpec;
  readonly #logger: Logger;
  #balancer!: Balancer;
  #watch: Disposable | undefined;
  #weights: readonly EndpointWeight[] = [];
  #failing = false;

  constructor(spec: ClusterSpec, logger: Logger) {
    this.name = spec.name;
    this.spec = spec;
    this.settings = spec.settings;
    this.#logger = logger;
  }

  get connector(): string {
    return this.settings['tls'] === undefined ? 'tcp' : 'tls';
  }

  pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    return this.#balancer.pick(session, tried);
  }

  observe(endpoint: Endpoint, sample: Sample): void {
    this.#balancer.observe(endpoint, sample);
  }

  balance(balancer: Balancer, weights: readonly EndpointWeight[]): void {
    this.#balancer = balancer;
    this.#weights = weights;
    this.rebalance();
  }

  discover(discovery: Discovery, spec: unknown): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = discovery.watch(
      spec,
      (specs) => this.#replace(specs),
      (error) => {
        if (this.#failing) return;
        this.#failing = true;
        this.#logger.warn('discovery failed; the last good endpoints stay', {
          cluster: this.name,
          endpoints: this.endpoints.length,
          error: error.message,
        });
      },
    );
  }

  dispose(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  /** Gives the balancer those that may be picked. */
  rebalance(): void {
    const weights = this.#weights;
    const eligible =
      weights.length === 0
        ? this.endpoints
        : this.endpoints.filter((endpoint) => weights.every((weight) => weight.factor(endpoint) > 0));
    this.#balancer.update(eligible);
  }

  #replace(specs: readonly EndpointSpec[]): void {
    if (this.#failing) {
      this.#failing = false;
      this.#logger.info('discovery works again', { cluster: this.name });
    }
    const known = new Map(this.endpoints.map((endpoint) => [endpoint.address, endpoint]));
    this.endpoints = specs.map((spec) => {
      const endpoint = known.get(spec.address);
      endpoint?.update(spec);
      return endpoint ?? new EndpointRecord(spec);
    });
    this.rebalance();
  }
}

/** The clusters of the process, by name. They outlive generations: what stays keeps its endpoints, counts and handle. */
export class ClusterRegistry {
  readonly #clusters = new Map<string, ClusterRecord>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get(name: string): Cluster | undefined {
    return this.#clusters.get(name);
  }

  [Symbol.iterator](): Iterator<Cluster> {
    return this.#clusters.values();
  }

  /**
   * Makes the registry hold what `specs` say. What a cluster keeps is not touched, what changed is rebuilt alone. Throws an
   * Error, before anything has changed, where a policy or a discovery is not there.
   */
  apply(specs: readonly ClusterSpec[], composition: Composition): void {
    for (const spec of specs) {
      known(composition.balancers, spec.balancer.policy, 'balancing policy', spec.name);
      known(composition.discoveries, spec.discovery.name, 'discovery', spec.name);
    }
    for (const spec of specs) {
      let cluster = this.#clusters.get(spec.name);
      const before = cluster?.spec;
      if (cluster === undefined) {
        cluster = new ClusterRecord(spec, this.#logger);
        this.#clusters.set(spec.name, cluster);
      }
      cluster.spec = spec;
      cluster.settings = spec.settings;
      if (before === undefined || !same(before.balancer, spec.balancer)) {
        const factory = composition.balancers.get(spec.balancer.policy)!;
        cluster.balance(factory.create(spec.balancer.settings), composition.endpointWeights);
      }
      if (before === undefined || !same(before.discovery, spec.discovery)) {
        cluster.discover(composition.discoveries.get(spec.discovery.name)!, spec.discovery.spec);
      }
    }
    const names = new Set(specs.map((spec) => spec.name));
    for (const [name, cluster] of this.#clusters) {
      if (names.has(name)) continue;
      cluster.dispose();
      this.#clusters.delete(name);
    }
  }

  /** An endpoint's weight has changed: its cluster's balancer learns it. */
  weightChanged(endpoint: Endpoint): void {
    for (const cluster of this.#clusters.values()) {
      if (cluster.endpoints.includes(endpoint as EndpointRecord)) cluster.rebalance();
    }
  }

  dispose(): void {
    for (const cluster of this.#clusters.values()) cluster.dispose();
  }
}

function known(map: ReadonlyMap<string, unknown>, name: string, kind: string, cluster: string): void {
  if (!map.has(name))
    throw new Error(
      `cluster ${cluster}: no plugin provides the ${kind} "${name}"; there are ${[...map.keys()].join(', ') || 'none'}`,
    );
}

/** Configuration values are plain and in a canonical order of keys. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
