import { isDeepStrictEqual } from 'node:util';
import type {
  Balancer,
  Cluster,
  Discovery,
  Endpoint,
  EndpointSpec,
  EndpointWeight,
  OutReason,
  Sample,
} from './cluster.ts';
import type { Composition } from './composition.ts';
import type { ClusterSpec } from './configuration.ts';
import type { Departures } from './departures.ts';
import { didYouMean } from './did-you-mean.ts';
import type { Logger } from './logger.ts';
import { PluginError } from './plugin-error.ts';
import type { Session } from './session.ts';
import { stickTo } from './session-wishes.ts';
import { atOnce, type Sliced } from './slices.ts';
import type { BalancerFactory } from './tokens.ts';

/** An endpoint with its counts, which sessions keep. It lives as long as its address stays in the list. */
export class EndpointRecord implements Endpoint {
  readonly address: string;
  /** As configured. */
  ownWeight: number;
  /** The same, times the factors of health and the like. */
  weight: number;
  metadata: Readonly<Record<string, unknown>>;
  /** IP addresses behind a name. */
  resolved: readonly string[] | undefined;
  requests = 0;
  streams = 0;
  picks = 0;
  failures = 0;
  serverErrors = 0;
  attemptCounts: number[] | undefined = undefined;
  leavesAt: number | undefined = undefined;

  constructor(spec: EndpointSpec) {
    this.address = spec.address;
    this.ownWeight = spec.weight ?? 1;
    this.weight = this.ownWeight;
    this.metadata = spec.metadata ?? {};
    this.resolved = spec.resolved;
  }

  update(spec: EndpointSpec): void {
    this.ownWeight = spec.weight ?? 1;
    this.weight = this.ownWeight;
    this.metadata = spec.metadata ?? {};
    this.resolved = spec.resolved;
  }
}

/** How often a balancer is asked for another one than those that are full, before they are gone through in their order. */
const CHOICES_OF_BALANCER = 8;

/** Whose an endpoint is. */
const clusterOf = new WeakMap<Endpoint, ClusterRecord>();

/** A cluster for as long as the process lives, whatever generation names it. */
class ClusterRecord implements Cluster {
  readonly name: string;
  endpoints: readonly EndpointRecord[] = [];
  settings: Readonly<Record<string, unknown>> = {};
  observing = false;
  /** What its parts were made from: undefined before the first plan. */
  spec: ClusterSpec | undefined = undefined;
  factory: BalancerFactory | undefined = undefined;
  discovery: Discovery | undefined = undefined;
  readonly #logger: Logger;
  readonly #departures: Departures | undefined;
  /** No longer listed, but with open sessions: they stay where they are, and count when the address is listed again. */
  #leaving = new Map<string, EndpointRecord>();
  /** Those that the balancer was given. */
  #given: readonly EndpointRecord[] = [];
  /** The same by address; made when a session asks for one of them. */
  #pickable: ReadonlyMap<string, EndpointRecord> | undefined;
  #balancer!: Balancer;
  #watch: Watch | undefined;
  #weights: readonly EndpointWeight[] = [];
  #full: readonly ((endpoint: Endpoint, session: Session) => boolean)[] = [];
  #failing = false;
  /** Whether a list has come. */
  #began = false;

  constructor(name: string, logger: Logger, departures: Departures | undefined) {
    this.name = name;
    this.#logger = logger;
    this.#departures = departures;
  }

  get leaving(): readonly EndpointRecord[] {
    return [...this.#leaving.values()].filter(({ requests, streams }) => requests + streams > 0);
  }

  get connector(): string {
    return this.settings['tls'] === undefined ? 'tcp' : 'tls';
  }

  outBecause(endpoint: Endpoint): OutReason | undefined {
    for (const weight of this.#weights) {
      const reason = weight.outBecause?.(endpoint, this);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    return this.#full.length === 0 ? this.#pick(session, tried) : this.#pickWithRoom(session, tried);
  }

  #pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    const wanted = session.state(stickTo);
    return (wanted && this.#wanted(wanted, tried)) || this.#balancer.pick(session, tried);
  }

  #pickWithRoom(session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    const passed = [...tried];
    for (let choice = 0; choice < CHOICES_OF_BALANCER; choice++) {
      const picked = this.#pick(session, passed);
      if (picked === undefined || this.#hasRoom(picked, session)) return picked;
      passed.push(picked);
    }
    return this.#nextWithRoom(session, passed);
  }

  /** From the balancer's last choice on. To ask the balancer about each would cost the square of their number. */
  #nextWithRoom(session: Session, passed: readonly Endpoint[]): Endpoint | undefined {
    const count = this.#given.length;
    const last = this.#given.findIndex(({ address }) => address === passed.at(-1)!.address);
    for (let step = 1; step <= count; step++) {
      const endpoint = this.#given[(last + step) % count]!;
      if (this.#hasRoom(endpoint, session) && !passed.some(({ address }) => address === endpoint.address))
        return endpoint;
    }
    return undefined;
  }

  #hasRoom(endpoint: Endpoint, session: Session): boolean {
    return !this.#full.some((isFull) => isFull(endpoint, session));
  }

  /** Takes on what bounds its endpoints, now that its settings are in force. */
  bound(weights: readonly EndpointWeight[]): void {
    this.#full = weights.map((weight) => weight.full?.(this)).filter((one) => one !== undefined);
  }

  observe(endpoint: Endpoint, sample: Sample): void {
    this.#balancer.observe?.(endpoint, sample);
  }

  balance(balancer: Balancer | undefined, weights: readonly EndpointWeight[]): void {
    if (balancer === undefined && weights === this.#weights) return;
    if (balancer !== undefined) {
      this.#balancer = balancer;
      this.observing = balancer.observe !== undefined;
    }
    this.#weights = weights;
    this.rebalance();
  }

  discover(watch: Watch): void {
    this.#watch?.dispose();
    this.#watch = watch;
    this.#failing = false;
    watch.attach(this);
  }

  dispose(): void {
    this.#watch?.dispose();
  }

  /** Gives the balancer those that may be picked, with their weights as they are now. */
  rebalance(): void {
    this.#pickable = undefined;
    this.#given = this.#weights.length === 0 ? this.endpoints : this.#eligible();
    this.#balancer.update(this.#given);
  }

  replace(specs: readonly EndpointSpec[]): void {
    if (this.#failing) {
      this.#failing = false;
      this.#logger.info('discovery works again', { cluster: this.name });
    }
    const known = new Map(this.#leaving);
    for (const endpoint of this.endpoints) known.set(endpoint.address, endpoint);
    const listed = new Map<string, EndpointRecord>();
    for (const spec of specs) {
      // An address that comes twice is one endpoint: two records would each count a part.
      if (listed.has(spec.address)) continue;
      const endpoint = known.get(spec.address);
      endpoint?.update(spec);
      if (endpoint?.leavesAt !== undefined) this.#departures?.cameBack(endpoint);
      listed.set(spec.address, endpoint ?? this.#newcomer(spec));
    }
    this.#began = true;
    const drain = this.settings['drain'] as { readonly timeout: number } | undefined;
    for (const endpoint of this.endpoints)
      if (!listed.has(endpoint.address)) this.#departures?.left(this, endpoint, drain?.timeout ?? Infinity);
    this.endpoints = [...listed.values()];
    this.#leaving = known;
    for (const [address, { requests, streams }] of known)
      if (listed.has(address) || requests + streams === 0) known.delete(address);
    this.rebalance();
  }

  failed(error: Error): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#logger.warn('discovery failed; the last good endpoints stay', {
      cluster: this.name,
      endpoints: this.endpoints.length,
      error: error.message,
    });
  }

  /** The endpoint at `address`, where it may be picked. */
  #wanted(address: string, tried: readonly Endpoint[]): Endpoint | undefined {
    this.#pickable ??= new Map(this.#given.map((endpoint) => [endpoint.address, endpoint]));
    return tried.some((endpoint) => endpoint.address === address) ? undefined : this.#pickable.get(address);
  }

  #newcomer(spec: EndpointSpec): EndpointRecord {
    const endpoint = new EndpointRecord(spec);
    clusterOf.set(endpoint, this);
    if (this.#began) this.#logger.info('an endpoint has joined', { cluster: this.name, endpoint: spec.address });
    return endpoint;
  }

  #eligible(): EndpointRecord[] {
    return this.endpoints.filter((endpoint) => {
      let factor = 1;
      for (const weight of this.#weights) factor *= weight.factor(endpoint, this);
      // Who is out keeps the weight that it was given: it is shown, and not picked.
      endpoint.weight = endpoint.ownWeight * (factor > 0 ? factor : 1);
      return factor > 0;
    });
  }
}

/** One discovery at work. What it reports before it is attached is kept, so that a plan can be given up without a trace. */
class Watch {
  readonly #subscription: Disposable;
  #cluster: ClusterRecord | undefined;
  #last: readonly EndpointSpec[] | undefined;
  #error: Error | undefined;
  #disposed = false;

  constructor(discovery: Discovery, spec: unknown) {
    this.#subscription = discovery.watch(
      spec,
      (specs) => {
        this.#last = specs;
        this.#error = undefined;
        if (!this.#disposed) this.#cluster?.replace(specs);
      },
      (error) => {
        this.#error = error;
        if (!this.#disposed) this.#cluster?.failed(error);
      },
    );
  }

  attach(cluster: ClusterRecord): void {
    this.#cluster = cluster;
    if (this.#last !== undefined) cluster.replace(this.#last);
    if (this.#error !== undefined) cluster.failed(this.#error);
  }

  /** Discoveries that report once more are not heard. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#subscription[Symbol.dispose]();
  }
}

/** The clusters of the process, by name. They outlive generations: what stays keeps its endpoints, counts and handle. */
export class ClusterRegistry {
  #clusters: ReadonlyMap<string, ClusterRecord> = new Map();
  /** No longer configured; sessions of older generations may still ask them. */
  readonly #gone = new Map<string, ClusterRecord>();
  readonly #logger: Logger;
  readonly #departures: Departures | undefined;

  /** Without `departures` endpoints that leave their list keep what is open. */
  constructor(logger: Logger, departures?: Departures) {
    this.#logger = logger;
    this.#departures = departures;
  }

  get(name: string): Cluster | undefined {
    return this.#clusters.get(name);
  }

  [Symbol.iterator](): Iterator<Cluster> {
    return this.#clusters.values();
  }

  /** Throws a PluginError where a policy, a discovery or a connector that `specs` name is not there. */
  check(specs: readonly ClusterSpec[], composition: Composition): void {
    for (const spec of specs) {
      known(composition.balancers, spec.balancer.policy, 'balancing policy', spec.name);
      known(composition.discoveries, spec.discovery.name, 'discovery', spec.name);
      if (spec.settings['tls'] !== undefined && !composition.connectors.has('tls'))
        throw new PluginError(
          'tls',
          `cluster ${spec.name}: no plugin provides TLS, which its tls: needs; load the https plugin`,
        );
    }
  }

  /** As {@link plan}, at once. */
  apply(specs: readonly ClusterSpec[], composition: Composition): void {
    atOnce(this.plan(specs, composition)).commit();
  }

  /**
   * Makes what has to be made for the registry to hold what `specs` say; `commit` then swaps it in and cannot fail, `discard`
   * gives it up. What a cluster keeps is not touched, what changed is made alone: the balancer where policy, settings or the
   * factory are others, the discovery likewise. Throws, with nothing changed, where a balancer or a discovery cannot be made.
   */
  *plan(specs: readonly ClusterSpec[], composition: Composition): Sliced<ClusterPlan> {
    this.check(specs, composition);
    const changes: { cluster: ClusterRecord; balancer: Balancer | undefined; watch: Watch | undefined }[] = [];
    const discard = () => {
      for (const { watch } of changes) watch?.dispose();
    };
    try {
      for (const spec of specs) {
        const cluster =
          this.#clusters.get(spec.name) ??
          this.#gone.get(spec.name) ??
          new ClusterRecord(spec.name, this.#logger, this.#departures);
        const before = cluster.spec;
        const factory = composition.balancers.get(spec.balancer.policy)!;
        const discovery = composition.discoveries.get(spec.discovery.name)!;
        const balanced = cluster.factory === factory && isDeepStrictEqual(before?.balancer, spec.balancer);
        const discovered = cluster.discovery === discovery && isDeepStrictEqual(before?.discovery, spec.discovery);
        changes.push({
          cluster,
          balancer: balanced ? undefined : make(spec.name, () => factory.create(spec.balancer.settings)),
          watch: discovered ? undefined : make(spec.name, () => new Watch(discovery, spec.discovery.spec)),
        });
        yield;
      }
    } catch (error) {
      discard();
      throw error;
    }
    const clusters = new Map(changes.map(({ cluster }) => [cluster.name, cluster]));
    return {
      get: (name) => clusters.get(name),
      discard,
      commit: () => {
        for (const [i, { cluster, balancer, watch }] of changes.entries()) {
          const spec = specs[i]!;
          cluster.spec = spec;
          cluster.settings = spec.settings;
          cluster.factory = composition.balancers.get(spec.balancer.policy)!;
          cluster.discovery = composition.discoveries.get(spec.discovery.name)!;
          cluster.balance(balancer, composition.endpointWeights);
          cluster.bound(composition.endpointWeights);
          if (watch !== undefined) cluster.discover(watch);
          this.#gone.delete(cluster.name);
        }
        for (const [name, cluster] of this.#clusters) if (!clusters.has(name)) this.#gone.set(name, cluster);
        this.#clusters = clusters;
      },
    };
  }

  /** An endpoint's factor has changed: its cluster's balancer learns it. */
  weightChanged(endpoint: Endpoint): void {
    clusterOf.get(endpoint)?.rebalance();
  }

  /** Ends the clusters that no configuration names any more. Called when no session of an older generation is open. */
  disposeGone(): void {
    for (const cluster of this.#gone.values()) cluster.dispose();
    this.#gone.clear();
  }

  dispose(): void {
    this.disposeGone();
    this.#departures?.dispose();
    for (const cluster of this.#clusters.values()) cluster.dispose();
  }
}

/** A change of the registry that is made and not yet in force. */
export interface ClusterPlan {
  /** The handle that routes of the new generation take. */
  get(name: string): Cluster | undefined;
  commit(): void;
  discard(): void;
}

function known(map: ReadonlyMap<string, unknown>, name: string, kind: string, cluster: string): void {
  if (map.has(name)) return;
  const guess = didYouMean(name, [...map.keys()]);
  const hint =
    guess === undefined ? `there are ${[...map.keys()].sort().join(', ') || 'none'}` : `did you mean "${guess}"?`;
  throw new PluginError(name, `cluster ${cluster}: no plugin provides the ${kind} "${name}"; ${hint}`);
}

function make<T>(cluster: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`cluster ${cluster}: ${message}`, { cause: error });
  }
}
