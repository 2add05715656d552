import type { Schema } from './schema.ts';
import type { Session } from './session.ts';

/** One upstream instance. Its counts outlive generations. */
export interface Endpoint {
  /** `host:port`, `[v6]:port` or `unix:/path`. The key by which an endpoint is the same one after a change of the list. */
  readonly address: string;
  /** As configured, 1 to 256, times the factors of every {@link EndpointWeight}. Above 0 for all that a balancer is given. */
  readonly weight: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Open HTTP exchanges. */
  readonly requests: number;
  /** Open WebSockets. */
  readonly streams: number;
  /** Attempts that it was picked for, and those of them that failed, for as long as it is listed. */
  readonly picks?: number;
  readonly failures?: number;
  /** Responses of 500 to 599 that it gave; none of them is among the failures. */
  readonly serverErrors?: number;
  /**
   * Counts of the attempts that have ended there, in an order of whoever keeps them: the metrics plugin, from the first one on.
   * They hang here so that an attempt looks nothing up for them, and so that they go with the endpoint.
   */
  attemptCounts?: number[] | undefined;
  /** Wall-clock milliseconds at which what is open is closed, since it is no longer listed; undefined while it is. */
  readonly leavesAt?: number | undefined;
}

/** An endpoint as a discovery reports it. */
export interface EndpointSpec {
  readonly address: string;
  /** IP addresses to connect to, in order of preference, where `address` is a name. */
  readonly resolved?: readonly string[];
  readonly weight?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A live handle on a versioned list of equivalent endpoints. It outlives generations. */
export interface Cluster {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  /** Those that are no longer listed and have open sessions. */
  readonly leaving: readonly Endpoint[];
  /** The sections that plugins declared for clusters, validated, by key. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Name of the connector that reaches its endpoints: `tcp`, or that of a plugin. */
  readonly connector: string;
  /** What keeps one of its `endpoints` from being picked; undefined where nothing does. */
  outBecause?(endpoint: Endpoint): OutReason | undefined;
  /** Asks the balancer. `tried` are those that already failed this session. */
  pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined;
  /** Whether the balancer wants samples: who has one need not make it where it does not. */
  readonly observing: boolean;
  /** Feeds what was measured back to the balancer. */
  observe(endpoint: Endpoint, sample: Sample): void;
}

/** Why an endpoint is out: its checks fail, or what sessions found there has ejected it. */
export type OutReason = 'unhealthy' | 'ejected';

/**
 * What happened at one endpoint; `ms` is 0 where the kind has no duration. `begin` comes when a session is counted there, `end`
 * when it no longer is, once each; `head` is the time to a response's head, `ping` that to a WebSocket's Pong.
 */
export interface Sample {
  readonly kind: 'begin' | 'head' | 'ping' | 'failure' | 'end';
  readonly ms: number;
}

/** Picks an endpoint for a session. One per cluster; `update` comes before the first `pick` and after each change of the list. */
export interface Balancer {
  update(endpoints: readonly Endpoint[]): void;
  /** One of the endpoints that is not in `tried`; undefined where none is left. On every session's way: no allocation. */
  pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined;
  /** Missing where the policy does not ask what happens. */
  observe?(endpoint: Endpoint, sample: Sample): void;
}

export interface BalancerFactory {
  /** The name in `balancer:`. */
  readonly policy: string;
  /** Settings beside `policy:`. */
  readonly config?: Schema;
  create(settings: Readonly<Record<string, unknown>>): Balancer;
}

/** A reason to send an endpoint less: health, ejection, slow start. 0 is out, 1 is whole. */
export interface EndpointWeight {
  /** Called for each endpoint of a cluster whenever its list, its settings or a factor there have changed. */
  factor(endpoint: Endpoint, cluster: Cluster): number;
  /** Why its factor is 0, or would be if the cluster did not panic; undefined where it is not. For people and metrics. */
  outBecause?(endpoint: Endpoint, cluster: Cluster): OutReason | undefined;
  /** Calls `listener` with the endpoint whose factor has changed. */
  onChange(listener: (endpoint: Endpoint) => void): void;
  /**
   * Tells which endpoints take no further session just now: asked for each that was picked, and another one is picked instead.
   * Asked for whenever the settings of a cluster come into force; undefined where nothing bounds its endpoints.
   */
  full?(cluster: Cluster): ((endpoint: Endpoint, session: Session) => boolean) | undefined;
}

/** Where endpoints come from. */
export interface Discovery {
  /** The key in `discovery:`; `static` serves `endpoints:`. */
  readonly name: string;
  readonly config?: Schema;
  /**
   * Reports the whole list at once and after each change, until disposed. `failed` tells of a look-up that failed; the
   * last good list stays. It is called at start for each cluster; what cannot be resolved does not stop the start.
   */
  watch(
    spec: unknown,
    onChange: (endpoints: readonly EndpointSpec[]) => void,
    failed: (error: Error) => void,
  ): Disposable;
}
