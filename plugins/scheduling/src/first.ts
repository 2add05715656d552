import type { BalancerFactory, Endpoint, Sample } from '@outrigger/core';
import { Choosing } from './choosing.ts';
import { isTried } from './tried.ts';

/** `first`: the first endpoint of the list that has room, so that the others stay empty and may be switched off. */
export const first: BalancerFactory = {
  policy: 'first',
  config: {
    capacity: {
      doc: 'Open sessions, times the weight, that an endpoint takes before the next one in the list is asked. Without it the first one takes all.',
      format: capacity,
      optional: true,
    },
  },
  create: (settings) => new First(settings['capacity'] as number | undefined),
};

/**
 * HAProxy's `first`: endpoints are filled in their order. Where all are full the emptier of two random ones is taken, so that
 * the capacity is no limit. Those that are full are passed over once, not at each pick.
 */
export class First extends Choosing<{ readonly endpoint: Endpoint }> {
  readonly #capacity: number;
  #places = new Map<Endpoint, number>();
  /** All before this one are full. */
  #from = 0;

  constructor(capacity = Number.POSITIVE_INFINITY, random: () => number = Math.random) {
    super(2, random);
    this.#capacity = capacity;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.entries = endpoints.map((endpoint) => ({ endpoint }));
    this.#places = new Map(endpoints.map((endpoint, place) => [endpoint, place]));
    this.#from = 0;
  }

  override pick(...[session, tried]: Parameters<Choosing<never>['pick']>): Endpoint | undefined {
    for (let place = this.#from; place < this.entries.length; place++) {
      const { endpoint } = this.entries[place]!;
      if (this.#full(endpoint)) {
        if (place === this.#from) this.#from++;
      } else if (!isTried(endpoint, tried)) return endpoint;
    }
    return super.pick(session, tried);
  }

  observe(endpoint: Endpoint, { kind }: Sample): void {
    if (kind !== 'end' || this.#from === 0 || this.#full(endpoint)) return;
    const place = this.#places.get(endpoint);
    if (place !== undefined && place < this.#from) this.#from = place;
  }

  protected cost({ endpoint }: { readonly endpoint: Endpoint }): number {
    return open(endpoint) / endpoint.weight;
  }

  #full(endpoint: Endpoint): boolean {
    return open(endpoint) >= this.#capacity * endpoint.weight;
  }
}

function open({ requests, streams }: Endpoint): number {
  return requests + streams;
}

function capacity(value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1) throw new Error('must be a whole number from 1');
}
