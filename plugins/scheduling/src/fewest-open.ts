import type { Balancer, Endpoint, Sample } from '@outrigger/core';
import { Heap, type HeapEntry } from './heap.ts';

/**
 * Keeps endpoints in the order of their load, exactly: open exchanges and WebSockets together, the one to come included, and
 * through their weight (HAProxy's `leastconn`, `lb_fwlc.c`). A session that begins or ends costs the logarithm of the number of
 * endpoints. Those that are equal take turns. The counts are the endpoints' own, so that neither a reload nor a change of the
 * list forgets a session that is open.
 */
export class FewestOpen implements Balancer {
  readonly #heap = new Heap<HeapEntry>();
  readonly #bias: number;
  #entries = new Map<Endpoint, HeapEntry>();
  #turn = 0;

  /** `bias`: the power to which the count is raised before it is divided by the weight. */
  constructor(bias = 1) {
    this.#bias = bias;
  }

  update(endpoints: readonly Endpoint[]): void {
    const known = this.#entries;
    this.#entries = new Map(
      endpoints.map((endpoint) => {
        const turn = known.get(endpoint)?.turn ?? this.#turn++;
        return [endpoint, { endpoint, key: this.#load(endpoint), turn, at: 0 }];
      }),
    );
    this.#heap.fill([...this.#entries.values()]);
  }

  pick(_session: unknown, tried: readonly Endpoint[]): Endpoint | undefined {
    const entry = this.#heap.first(tried);
    if (entry === undefined) return undefined;
    entry.turn = this.#turn++;
    this.#heap.moved(entry);
    return entry.endpoint;
  }

  observe(endpoint: Endpoint, { kind }: Sample): void {
    if (kind !== 'begin' && kind !== 'end') return;
    const entry = this.#entries.get(endpoint);
    if (entry === undefined) return;
    entry.key = this.#load(endpoint);
    this.#heap.moved(entry);
  }

  #load({ requests, streams, weight }: Endpoint): number {
    const open = requests + streams + 1;
    return (this.#bias === 1 ? open : open ** this.#bias) / weight;
  }
}
