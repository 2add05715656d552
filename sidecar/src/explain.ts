import {
  AdminRoute,
  BalancerFactory,
  type ClusterSpec,
  type Composition,
  type ConfiguredValue,
  ConnectionHooks,
  Connector,
  Discovery,
  EndpointWeight,
  HOOKS,
  ioIsDirect,
  type ListenerSpec,
  Metrics,
  Protocol,
  RetryPolicy,
  RouterFactory,
  Transport,
} from '@outrigger/core';
import type { Inspection } from './inspect.ts';
import { inOrderOfMatching, matchOf, type ShownMatch } from './route-order.ts';
import { shownPlugins, valuesOf } from './values.ts';

/** What `outrigger explain --json` prints: a configuration as it works. What is sensitive is masked. */
export interface Explanation {
  readonly file: string;
  readonly reads: string;
  /** In the order in which they are composed. */
  readonly plugins: readonly ExplainedPlugin[];
  readonly listeners: readonly ExplainedListener[];
  readonly clusters: readonly ExplainedCluster[];
  readonly values: readonly ConfiguredValue[];
  /** Variables of OpenTelemetry that are set: plugins read them themselves, and they override the file. */
  readonly environment: readonly string[];
  readonly warnings: readonly string[];
}

export interface ExplainedPlugin {
  readonly name: string;
  /** `built in`, or the file. */
  readonly origin: string;
  readonly onError: string;
  /** As the file has it: `10s`. */
  readonly timeout: string;
  readonly listeners: readonly string[] | undefined;
  /** What it contributes beside hooks: `policy round-robin`. */
  readonly provides: readonly string[];
  readonly hooks: readonly string[];
}

/** One hook with the plugins that it calls, in that order. */
export interface ExplainedHook {
  readonly hook: string;
  readonly plugins: readonly string[];
}

export interface ExplainedListener {
  readonly name: string;
  readonly bind: string;
  readonly protocol: string;
  readonly transport: string;
  /** What the transport makes of the listener's settings: certificates, what clients are asked for. */
  readonly transportDetails: readonly string[];
  readonly direction: string;
  readonly hooks: { readonly towardsUpstream: readonly ExplainedHook[]; readonly back: readonly ExplainedHook[] };
  /** In the order in which they match. */
  readonly routes: readonly { readonly match: ShownMatch; readonly cluster: string }[];
}

export interface ExplainedCluster {
  readonly name: string;
  readonly policy: string;
  readonly connector: string;
  readonly connectorDetails: readonly string[];
  readonly discovery: string;
  /** As far as the file knows them. */
  readonly endpoints: readonly { readonly address: string; readonly weight: number }[];
}

/** Hooks in the order of a session's life (see docs/life-of-a-session.md). */
const BACK: readonly string[] = [
  'onAttemptEnd',
  'onResponse',
  'onOpen',
  'onEventStream',
  'onMessage',
  'onPong',
  'onSessionEnd',
  'onDisconnect',
];
const TOWARDS_UPSTREAM = HOOKS.filter(
  (hook) => hook !== 'watchesMessages' && (hook === 'onMessage' || !BACK.includes(hook)),
);

/** What plugins contribute, and the property that tells one from another. */
const PROVIDED: readonly (readonly [kind: string, token: Parameters<Composition['all']>[0], named?: string])[] = [
  ['transport', Transport, 'name'],
  ['protocol', Protocol, 'name'],
  ['router', RouterFactory],
  ['connector', Connector, 'name'],
  ['policy', BalancerFactory, 'policy'],
  ['discovery', Discovery, 'name'],
  ['weights of endpoints', EndpointWeight],
  ['retry policy', RetryPolicy],
  ['metrics', Metrics],
  ['admin path', AdminRoute, 'path'],
];

export function explain(inspection: Inspection, env: NodeJS.ProcessEnv = process.env): Explanation {
  const { document, configuration, plugins, composition, warnings } = inspection;
  const hooks = composition.all(ConnectionHooks);
  const shown = new Map(shownPlugins(inspection).map((plugin) => [plugin.name, plugin]));
  return {
    file: document.file,
    reads: readsOf(),
    plugins: plugins.map(({ plugin, origin, onError, listeners }) => ({
      name: plugin.name,
      origin,
      onError,
      timeout: String(shown.get(plugin.name)?.spec['timeout']),
      listeners,
      provides: PROVIDED.flatMap(([kind, token, named]) =>
        composition
          .all(token)
          .filter((one) => one.plugin === plugin.name)
          .map(({ value }) => (named === undefined ? kind : `${kind} ${(value as Record<string, string>)[named]}`)),
      ),
      hooks: HOOKS.filter((hook) => hooks.some((one) => one.plugin === plugin.name && one.value[hook] !== undefined)),
    })),
    listeners: configuration.listeners.map((listener) => listenerOf(listener, inspection)),
    clusters: configuration.clusters.map((cluster) => clusterOf(cluster, inspection)),
    values: [...valuesOf(inspection)],
    environment: Object.keys(env)
      .filter((name) => name.startsWith('OTEL_') && env[name] !== '')
      .sort(),
    warnings,
  };
}

function readsOf(): string {
  const node = `Node ${process.versions.node}`;
  return ioIsDirect()
    ? `all TCP and Unix-domain sockets read into one shared buffer of 64 KiB, as was tried just now on ${node}`
    : `accepted sockets read by 'data' events, a buffer for each read: on ${node} they could not be made to share one, or OUTRIGGER_IO=public is set; slower`;
}

function listenerOf(listener: ListenerSpec, { configuration, composition }: Inspection): ExplainedListener {
  const { name, bind, protocol, direction } = listener;
  const seen = composition.hooksOn(listener, configuration);
  const chain = (hooks: readonly string[], contributions: typeof seen): ExplainedHook[] =>
    hooks
      .map((hook) => ({
        hook,
        plugins: contributions
          .filter(({ value }) => value[hook as keyof ConnectionHooks] !== undefined)
          .map(({ plugin }) => plugin),
      }))
      .filter((one) => one.plugins.length > 0);
  return {
    name,
    bind,
    protocol:
      protocol === 'https' ? 'HTTP and WebSocket over TLS' : protocol === 'http' ? 'HTTP and WebSocket' : protocol,
    transport: bind.startsWith('unix:') ? 'Unix-domain socket' : protocol === 'https' ? 'tls' : 'tcp',
    transportDetails: (protocol === 'https' && composition.transports.get('tls')?.explain?.(listener)) || [],
    direction,
    hooks: { towardsUpstream: chain(TOWARDS_UPSTREAM, seen), back: chain(BACK, seen.toReversed()) },
    routes: inOrderOfMatching(listener.routes).map((route) => ({ match: matchOf(route), cluster: route.cluster })),
  };
}

function clusterOf(cluster: ClusterSpec, { composition }: Inspection): ExplainedCluster {
  const { name, balancer, discovery, settings } = cluster;
  const connector = settings['tls'] === undefined ? 'tcp' : 'tls';
  const listed = discovery.name === 'static' ? (discovery.spec as { address: string; weight: number }[]) : [];
  return {
    name,
    policy: balancer.policy,
    connector,
    connectorDetails: composition.connectors.get(connector)?.explain?.(cluster) ?? [],
    discovery: discovery.name === 'static' ? 'the list in the file' : described(discovery.name, discovery.spec),
    endpoints: listed.map(({ address, weight }) => ({ address, weight })),
  };
}

/** `dns cart.internal:8080`, or a discovery's name alone. */
function described(name: string, spec: unknown): string {
  const { host, port } = spec as { host?: unknown; port?: unknown };
  return typeof host === 'string' && typeof port === 'number' ? `${name} ${host}:${port}` : name;
}
