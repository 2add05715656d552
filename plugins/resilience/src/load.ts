import { type AdminDetails, type Cluster, type Configuration, createSlot } from '@outrigger/core';

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

/** Where a session is counted: those that began before a reload that asks for it are not, and nobody would take them off. */
export const counted = createSlot<Load>('limits');

/** Limits and retries are counted together, so that a session has the hooks of both or of none. */
export function wantsCounts({ clusters }: Configuration): boolean {
  return clusters.some(({ settings }) => settings['limits'] !== undefined || settings['retry'] !== undefined);
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

const COUNT = { type: 'integer', minimum: 0 };

/** The cluster's row at the admin address, where limits or retries count. */
export const loadDetails: AdminDetails = {
  cluster(cluster) {
    const load = loads.get(cluster);
    if (load === undefined) return undefined;
    const { exchanges, waiting, streams, retries } = load;
    return { load: { exchanges, waiting: waiting.size, streams, retries } };
  },
  schemas: {
    cluster: {
      load: {
        type: 'object',
        properties: { exchanges: COUNT, waiting: COUNT, streams: COUNT, retries: COUNT },
        required: ['exchanges', 'waiting', 'streams', 'retries'],
        additionalProperties: false,
      },
    },
  },
};
