import type { Balancer, Endpoint, Sample, Schema, Session } from '@outrigger/core';
import { type HashSettings, hashConfig, hashKeyOf } from './hash-key.ts';
import { Random } from './random.ts';
import { isTried } from './tried.ts';
import { xxhash } from './xxhash.ts';

export interface HashingSettings {
  readonly hash?: HashSettings;
  readonly balanceFactor?: number;
}

/** Settings of every hashing policy. */
export const hashingConfig: Schema = {
  hash: hashConfig,
  balanceFactor: {
    doc: 'Bounds the load: an endpoint with more than so many times its share of the open sessions is passed over. 1.25 to 2 is usual.',
    format: balanceFactor,
    optional: true,
  },
};

/** A table of endpoints' places: what has the same hash finds the same place, and goes on from it where that will not do. */
export interface Table {
  /** Indexes into the endpoints that it was made from. */
  readonly owners: Uint32Array;
  find(hash: bigint): number;
}

/**
 * What hashing policies have in common. A session without a key goes to a random endpoint, as in Envoy. Bounded load is that of
 * Mirrokni, Thorup and Zadimoghaddam (2016): who is over `balanceFactor` times its share gives to the next in the table.
 */
export class Hashing implements Balancer {
  readonly #key: (session: Session) => string | undefined;
  readonly #balanceFactor: number | undefined;
  readonly #build: (endpoints: readonly Endpoint[]) => Table;
  readonly #any: Random;
  #endpoints: readonly Endpoint[] = [];
  #table: Table = { owners: new Uint32Array(0), find: () => 0 };
  // For bounded load alone.
  #listed = new Set<Endpoint>();
  #weight = 0;
  #open = 0;

  constructor(
    { hash, balanceFactor }: HashingSettings,
    build: (endpoints: readonly Endpoint[]) => Table,
    random?: () => number,
  ) {
    this.#key = hashKeyOf(hash);
    this.#balanceFactor = balanceFactor;
    this.#build = build;
    this.#any = new Random(random);
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#table = this.#build(endpoints);
    this.#any.update(endpoints);
    this.#listed = new Set(endpoints);
    this.#weight = endpoints.reduce((sum, { weight }) => sum + weight, 0);
    this.#open = endpoints.reduce((sum, { requests, streams }) => sum + requests + streams, 0);
  }

  pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    // Else the whole table would be gone through in vain.
    if (tried.length >= this.#endpoints.length && this.#endpoints.every((endpoint) => isTried(endpoint, tried)))
      return undefined;
    const key = this.#key(session);
    if (key === undefined) return this.#any.pick(session, tried);
    const { owners } = this.#table;
    const from = owners.length === 0 ? 0 : this.#table.find(xxhash(key));
    const bounded = this.#balanceFactor !== undefined;
    // Where all that were not tried are over their bound, it does not hold.
    return this.#from(from, tried, bounded) ?? (bounded ? this.#from(from, tried, false) : undefined);
  }

  observe(endpoint: Endpoint, { kind }: Sample): void {
    if (this.#balanceFactor === undefined || (kind !== 'begin' && kind !== 'end')) return;
    if (this.#listed.has(endpoint)) this.#open += kind === 'begin' ? 1 : -1;
  }

  #from(from: number, tried: readonly Endpoint[], bounded: boolean): Endpoint | undefined {
    const { owners } = this.#table;
    let last = -1;
    for (let step = 0, place = from; step < owners.length; step++) {
      const owner = owners[place]!;
      if (++place === owners.length) place = 0;
      if (owner === last) continue;
      last = owner;
      const endpoint = this.#endpoints[owner]!;
      if (!isTried(endpoint, tried) && !(bounded && this.#full(endpoint))) return endpoint;
    }
    return undefined;
  }

  #full({ requests, streams, weight }: Endpoint): boolean {
    return requests + streams >= Math.ceil((this.#balanceFactor! * (this.#open + 1) * weight) / this.#weight);
  }
}

function balanceFactor(value: unknown): void {
  if (typeof value !== 'number' || !(value > 1)) throw new Error('must be a number above 1');
}
