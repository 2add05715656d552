import type { AdminDetails } from './admin-details.ts';
import type { AdminRoute } from './admin-route.ts';
import type { Cluster } from './cluster.ts';
import type { Provenance } from './configured-values.ts';
import type { ListenerInfo } from './connection.ts';
import type { Route } from './router.ts';

/** A listener as it is now. */
export interface ListenerState extends ListenerInfo {
  /** `accepting`, or `draining` where a reload has taken it away or the sidecar ends. */
  readonly state: 'accepting' | 'draining';
  /** Connections that are open. */
  readonly connections: number;
}

/** What came of the reloads so far. */
export interface Reloads {
  /** New generations, equivalent configurations that changed nothing, and configurations that were refused. */
  readonly changed: number;
  readonly unchanged: number;
  readonly failed: number;
  /** The last one. */
  readonly last?: {
    /** Wall-clock milliseconds. */
    readonly at: number;
    readonly result: 'changed' | 'unchanged' | 'failed';
    /** Why it failed, a line for each problem. */
    readonly problems?: readonly string[];
  };
}

/** The running sidecar as a whole, as it is when it is asked: for plugins that show it or end it. */
export interface Sidecar {
  readonly state: 'starting' | 'ready' | 'draining' | 'stopped';
  /** Wall-clock milliseconds of the start. */
  readonly startedAt: number;
  /** Number of the generation that the next session takes; 0 before the start. */
  readonly generation: number;
  /** The configuration in force as a file would have it: defaults included, what is sensitive masked. */
  readonly configuration: unknown;
  /** Where that came from; undefined where a program has made it. */
  readonly provenance: Provenance | undefined;
  readonly reloads: Reloads;
  /** Those that accept and those that drain. */
  listenerStates(): readonly ListenerState[];
  clusterStates(): Iterable<Cluster>;
  /** The routes in force, of all listeners that accept; open sessions may have older ones. */
  routes(): Iterable<Route>;
  /** What the plugins in force contribute to the admin address. */
  readonly adminRoutes: readonly AdminRoute[];
  readonly adminDetails: readonly AdminDetails[];
  /** Addresses beside the listeners' that plugins accept on, by name: those that they have announced. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Tells where a plugin really accepts, or (undefined) that it no longer does: the line `ready` and people want to know. */
  announce(name: string, address: string | undefined): void;
  /** Asks for the drain and the end, as SIGTERM does; WebSockets are closed with `closeCode`, or as `drain.code` says. */
  requestEnd(closeCode?: number): void;
}
