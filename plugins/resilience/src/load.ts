import type { AdminDetails, Cluster } from '@outrigger/core';

/** What is open on a cluster, as this plugin counts it: it outlives generations, as the cluster does. */
export class Load {
  /** HTTP exchanges under way. */
  exchanges = 0;
  streams = 0;
  retries = 0;
  /** Those that wait for an exchange to end, the first one first. */
  readonly waiting = new Set<() => void>();

  get sessions(): number {
    return this.exchanges + this.streams;
  }
}

const loads = new WeakMap<Cluster, Load>();

export function loadOf(cluster: Cluster): Load {
  let load = loads.get(cluster);
  if (load === undefined) {
    load = new Load();
    loads.set(cluster, load);
  }
  return load;
}

/** The cluster's row at the admin address, where limits or retries count. */
export const loadDetails: AdminDetails = {
  cluster(cluster) {
    const load = loads.get(cluster);
    if (load === undefined) return undefined;
    const { exchanges, waiting, streams, retries } = load;
    return { load: { exchanges, waiting: waiting.size, streams, retries } };
  },
};
