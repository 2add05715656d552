import type { Provenance } from './configured-values.ts';

/**
 * The validated configuration as core reads it: frozen, defaults filled in, durations in milliseconds. Keys that plugins
 * declared (`sections`) are in `settings`, validated and typed by their schemas.
 */
export interface Configuration {
  readonly service: { readonly name: string };
  readonly drain: DrainSpec;
  readonly listeners: readonly ListenerSpec[];
  readonly clusters: readonly ClusterSpec[];
  /** In order: built-in ones first, then those of the file. */
  readonly plugins: readonly PluginSpec[];
  /** The whole as a file would have it: defaults included, what is sensitive masked. */
  readonly shown?: unknown;
  /** Undefined where a program has made it. */
  readonly provenance?: Provenance;
}

export interface DrainSpec {
  /** Part of `timeout`: not ready, still accepting. */
  readonly delay: number;
  readonly timeout: number;
  /** Closes of long-lived sessions per second, at most. */
  readonly rate: number;
  /** What WebSockets are closed with when the sidecar ends: 1001, or 1012. Default 1001. */
  readonly code?: number;
}

export interface ListenerSpec {
  readonly name: string;
  /** `http` or `https`. */
  readonly protocol: string;
  /** `host:port`, `[v6]:port`, `unix:/path`. */
  readonly bind: string;
  readonly direction: 'inbound' | 'outbound';
  readonly routes: readonly RouteSpec[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/** `cluster:` directly on a listener is a route that matches everything. */
export interface RouteSpec {
  /** Name of a cluster. */
  readonly cluster: string;
  /** What becomes of its open WebSockets when a reload changes it or takes it away. Default: keep. */
  readonly onChange?: 'keep' | 'drain';
  /** `match:` and whatever plugins declared for routes. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ClusterSpec {
  readonly name: string;
  readonly balancer: { readonly policy: string; readonly settings: Readonly<Record<string, unknown>> };
  /** `endpoints:` is `{ name: 'static', spec: EndpointSpec[] }`. */
  readonly discovery: { readonly name: string; readonly spec: unknown };
  readonly settings: Readonly<Record<string, unknown>>;
}

/** An entry of `plugins:`, in its long form. */
export interface PluginSpec {
  /** Name of a built-in plugin or package, or a path, absolute by now. */
  readonly use: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What a failing hook does to its session. */
  readonly onError: 'open' | 'closed';
  /** Milliseconds within which an asynchronous hook must settle. */
  readonly timeout: number;
  /** Names of the listeners that its hooks see; undefined: all. */
  readonly listeners?: readonly string[] | undefined;
}
