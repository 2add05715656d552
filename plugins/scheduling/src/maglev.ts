import type { BalancerFactory, Endpoint } from '@outrigger/core';
import { Hashing, type HashingSettings, hashingConfig, type Table } from './hashing.ts';
import { xxhash } from './xxhash.ts';

/** A prime, and Envoy's default. */
const SIZE = 65_537;
const BIG_SIZE = BigInt(SIZE);

/** `maglev`: as ring-hash, with more even shares and a faster look-up; a change moves a few keys more. */
export const maglev: BalancerFactory = {
  policy: 'maglev',
  config: hashingConfig,
  create: (settings) => new Hashing(settings as HashingSettings, maglevTable),
};

/**
 * Maglev's table (Eisenbud et al., NSDI 2016, §3.4), with Envoy's weights (`maglev_lb.cc`): in rounds each endpoint takes the
 * next free entry of its own permutation, the lighter ones in some rounds only.
 */
export function maglevTable(endpoints: readonly Endpoint[]): Table {
  // Fixed order, so that every sidecar has the same table whatever order its list came in.
  const order = endpoints
    .map((endpoint, index) => ({ endpoint, index }))
    .sort((a, b) => (a.endpoint.address < b.endpoint.address ? -1 : 1))
    .slice(0, SIZE);
  const heaviest = order.reduce((most, { endpoint }) => Math.max(most, endpoint.weight), 0);
  const turns = order.map(({ endpoint: { address, weight }, index }) => ({
    index,
    weight,
    due: 0,
    next: Number(xxhash(address) % BIG_SIZE),
    skip: Number(xxhash(address, 1n) % (BIG_SIZE - 1n)) + 1,
  }));
  const owners = new Uint32Array(turns.length === 0 ? 0 : SIZE).fill(FREE);
  for (let taken = 0, round = 1; taken < owners.length; round++) {
    for (const turn of turns) {
      if (round * turn.weight < turn.due) continue;
      turn.due += heaviest;
      while (owners[turn.next] !== FREE) turn.next = (turn.next + turn.skip) % SIZE;
      owners[turn.next] = turn.index;
      if (++taken === owners.length) break;
    }
  }
  return { owners, find: (hash) => Number(hash % BIG_SIZE) };
}
const FREE = 0xffff_ffff;
