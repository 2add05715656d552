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
 * Ketama's ring: each endpoint has points on a circle, as many as its weight says, and a key belongs to the next point. The
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

    const points: number[] = [];
    endpoints.forEach((endpoint, owner) => {
      const hashes = known.get(endpoint.address)!;
      const count = Math.max(1, Math.round(endpoint.weight * scale));
      while (hashes.length < count) hashes.push(xxhash(`${endpoint.address}_${hashes.length}`));
      // Position and owner in one number: sorted at once, without objects.
      for (let i = 0; i < count; i++) points.push(hashes[i]! * OWNERS + owner);
    });
    const sorted = Float64Array.from(points).sort();
    const positions = Uint32Array.from(sorted, (point) => Math.floor(point / OWNERS));
    const owners = Uint32Array.from(sorted, (point) => point % OWNERS);
    return { owners, find: (hash) => nextOn(positions, hash) };
  };
}
const OWNERS = 2 ** 20;

/** The first position from `hash` on; after the last comes the first. */
function nextOn(positions: Uint32Array, hash: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < hash) low = middle + 1;
    else high = middle;
  }
  return low === positions.length ? 0 : low;
}
