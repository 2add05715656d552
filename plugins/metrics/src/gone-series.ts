import type { LabelValues, Sidecar } from '@outrigger/core';

/** Names that stand for no thing: none, and all that are beyond an instrument's bound. */
const NO_NAMES = ['', 'other'];

/**
 * Tells which series are of a listener, a cluster or an endpoint that is no longer there: a reload, or a discovery, has taken it
 * away. For {@link Registry.leaveOut}.
 */
export function goneSeries(
  sidecar: Sidecar,
): (labels: readonly string[]) => ((values: LabelValues) => boolean) | undefined {
  return (labels) => {
    const listener = labels.indexOf('listener');
    const cluster = labels.indexOf('cluster');
    const endpoint = labels.indexOf('endpoint');
    if (listener === -1 && cluster === -1) return undefined;
    const listeners = new Set([...NO_NAMES, ...sidecar.listenerStates().map(({ name }) => name)]);
    const clusters = new Map<string, ReadonlySet<string> | undefined>(NO_NAMES.map((name) => [name, undefined]));
    for (const { name, endpoints, leaving } of sidecar.clusterStates())
      clusters.set(
        name,
        endpoint === -1 ? undefined : new Set([...endpoints, ...leaving].map(({ address }) => address)),
      );
    return (values) => {
      if (listener !== -1 && !listeners.has(values[listener]!)) return true;
      if (cluster === -1) return false;
      if (!clusters.has(values[cluster]!)) return true;
      return endpoint !== -1 && clusters.get(values[cluster]!)?.has(values[endpoint]!) === false;
    };
  };
}
