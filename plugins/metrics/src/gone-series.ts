import { type LabelValues, type Route, routePattern, type Sessions, type Sidecar } from '@outrigger/core';

/** Names that stand for no thing: none, and all that are beyond an instrument's bound. */
const NO_NAMES = ['', 'other'];

type IsGone = (values: LabelValues) => boolean;

/**
 * Tells which series are of a listener, a route, a cluster or an endpoint that is no longer there: a reload, or a discovery, has
 * taken it away. For {@link Registry.leaveOut}.
 */
export function goneSeries(sidecar: Sidecar, sessions: Sessions): (labels: readonly string[]) => IsGone | undefined {
  const questions = [goneListeners(sidecar), goneRoutes(sidecar, sessions), goneClusters(sidecar)];
  return (labels) => {
    const asked = questions.flatMap((question) => question(labels) ?? []);
    return asked.length === 0 ? undefined : (values) => asked.some((isGone) => isGone(values));
  };
}

function goneListeners(sidecar: Sidecar) {
  return (labels: readonly string[]): IsGone | undefined => {
    const listener = labels.indexOf('listener');
    if (listener === -1) return undefined;
    const names = new Set([...NO_NAMES, ...sidecar.listenerStates().map(({ name }) => name)]);
    return (values) => !names.has(values[listener]!);
  };
}

/** A route is there while a listener has it, and while a session is open that took it. */
function goneRoutes(sidecar: Sidecar, sessions: Sessions) {
  // There may be thousands, which change by reloads alone.
  let known: { readonly generation: number; readonly keys: ReadonlySet<string> } | undefined;
  return (labels: readonly string[]): IsGone | undefined => {
    const name = labels.indexOf('route');
    const pattern = labels.indexOf('http_route');
    if (name === -1) return undefined;
    const { generation } = sidecar;
    if (known?.generation !== generation) known = { generation, keys: keysOf(sidecar.routes()) };
    const { keys } = known;
    let used: ReadonlySet<string> | undefined;
    return (values) => {
      if (NO_NAMES.includes(values[name]!)) return false;
      const key = pattern === -1 ? values[name]! : keyOf(values[name]!, values[pattern]!);
      if (keys.has(key)) return false;
      used ??= keysOf(routesOf(sessions));
      return !used.has(key);
    };
  };
}

function* routesOf(sessions: Sessions): Iterable<Route> {
  for (const { route } of sessions) if (route !== undefined) yield route;
}

/** By name, and by name and pattern: after a reload another route may stand at the place that names it. */
function keysOf(routes: Iterable<Route>): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const route of routes) keys.add(route.name).add(keyOf(route.name, routePattern(route) ?? ''));
  return keys;
}

function keyOf(name: string, pattern: string): string {
  return `${name}\0${pattern}`;
}

function goneClusters(sidecar: Sidecar) {
  return (labels: readonly string[]): IsGone | undefined => {
    const cluster = labels.indexOf('cluster');
    const endpoint = labels.indexOf('endpoint');
    if (cluster === -1) return undefined;
    const clusters = new Map<string, ReadonlySet<string> | undefined>(NO_NAMES.map((name) => [name, undefined]));
    for (const { name, endpoints, leaving } of sidecar.clusterStates())
      clusters.set(
        name,
        endpoint === -1 ? undefined : new Set([...endpoints, ...leaving].map(({ address }) => address)),
      );
    return (values) => {
      if (!clusters.has(values[cluster]!)) return true;
      return endpoint !== -1 && clusters.get(values[cluster]!)?.has(values[endpoint]!) === false;
    };
  };
}
