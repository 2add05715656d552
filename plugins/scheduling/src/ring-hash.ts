import type { BalancerFactory, Endpoint } from '@outrigger/core';
import { Hashing, type HashingSettings, hashingConfig, type Table } from './hashing.ts';
import { xxhash } from './xxhash.ts';

/** Points of an endpoint of weight 1 (libketama's 160), before the ring is brought to size. */
const POINTS = 160;
const MIN_POINTS = 1_024;
const MAX_POINTS = 131_072;

/** `ring-hash`: the same key goes to the same endpoint; one that leaves or joins moves its own share of the keys. */
export const ringHash: BalancerFactory = {
  policy: 'ring-hash',
  config: hashingConfig,
  create: (settings) => new Hashing(settings as HashingSettings, ringOf()),
};

/**
 * Ketama's ring with Envoy's hashes (XXH64 of `address_0`, `address_1` …; `ring_hash_lb.cc`): each endpoint has points on a
 * circle, as many as its weight says, and a key belongs to the next point. The
 * number of points of one endpoint hangs on its own weight alone, so that a change moves no key between others; for rings
 * from 1,024 (Envoy's minimum) to 131,072 points it is doubled or halved, and the half is a part of the whole.
 */
export function ringOf(): (endpoints: readonly Endpoint[]) => Table {
  let known = new Map<string, number[]>();
  return (endpoints) => {
    const weight = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
    let scale = POINTS;
    while (weight > 0 && weight * scale < MIN_POINTS) scale *= 2;
    while (weight * scale > MAX_POINTS) scale /= 2;
    const before = known;
    known = new Map(endpoints.map(({ address }) => [address, before.get(address) ?? []]));

    const ownerAt = new Map<number, number>();
    endpoints.forEach((endpoint, owner) => {
      const positions = known.get(endpoint.address)!;
      const count = Math.max(1, Math.round(endpoint.weight * scale));
      while (positions.length < count) positions.push(positionOf(xxhash(`${endpoint.address}_${positions.length}`)));
      for (let i = 0; i < count; i++) ownerAt.set(positions[i]!, owner);
    });
    const positions = Float64Array.from(ownerAt.keys()).sort();
    const owners = Uint32Array.from(positions, (position) => ownerAt.get(position)!);
    return { owners, find: (hash) => nextOn(positions, positionOf(hash)) };
  };
}

/** The upper 53 bits of a hash, which a number can hold: two points that differ in the rest alone do not occur. */
function positionOf(hash: bigint): number {
  return Number(hash >> 11n);
}

/** The first position from `from` on; after the last comes the first. */
function nextOn(positions: Float64Array, from: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low === positions.length ? 0 : low;
}
