import type { Cluster } from '@outrigger/core';

/** What is known of one cluster. */
interface Seen {
  endpoints: Cluster['endpoints'];
  on: boolean;
}

/**
 * Envoy's panic (`healthy_panic_threshold`): where less than `panicThreshold` of a cluster's endpoints are in, it is likelier that
 * the checks err, or that the few would break down under the whole load, than that the many are of no use: all are picked.
 */
export class Panic {
  readonly #isOut: (endpoint: Cluster['endpoints'][number]) => boolean;
  readonly #told: (cluster: Cluster, on: boolean, isIn: number) => void;
  readonly #seen = new WeakMap<Cluster, Seen>();

  /** `told` is called when a cluster begins to panic, and when it ends to, with the number of endpoints that are in. */
  constructor(
    isOut: (endpoint: Cluster['endpoints'][number]) => boolean,
    told: (cluster: Cluster, on: boolean, isIn: number) => void,
  ) {
    this.#isOut = isOut;
    this.#told = told;
  }

  /** Whether `cluster` panics. Counted anew where its list is another one. */
  holds(cluster: Cluster): boolean {
    const seen = this.#seen.get(cluster);
    if (seen === undefined || seen.endpoints !== cluster.endpoints) this.count(cluster);
    return this.#seen.get(cluster)!.on;
  }

  /** Counts anew; says whether it begins or ends with that. */
  count(cluster: Cluster): boolean {
    const { endpoints, settings } = cluster;
    const threshold = (settings['panicThreshold'] as number | undefined) ?? 0;
    const isIn = endpoints.reduce((count, endpoint) => (this.#isOut(endpoint) ? count : count + 1), 0);
    const on = isIn < threshold * endpoints.length;
    const changes = on !== (this.#seen.get(cluster)?.on ?? false);
    this.#seen.set(cluster, { endpoints, on });
    if (changes) this.#told(cluster, on, isIn);
    return changes;
  }
}
