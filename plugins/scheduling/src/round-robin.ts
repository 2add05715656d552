import type { Balancer, BalancerFactory, Endpoint } from '@outrigger/core';
import { EarliestDeadline } from './earliest-deadline.ts';
import { isTried } from './tried.ts';

/** `round-robin`: in turn, each as often as its weight says, and the turns of one spread over the round. */
export const roundRobin: BalancerFactory = { policy: 'round-robin', create: () => new RoundRobin() };

/** Up to so many endpoints of different weights each pick looks at all; beyond, at the first of a heap. */
const SMOOTH = 128;

/**
 * nginx's smooth weighted round robin (`ngx_http_upstream_round_robin.c`, `ngx_http_upstream_get_peer`): at each pick every
 * credit grows by its weight, the largest is picked and pays the sum of the weights. Any run of picks as long as the sum
 * has each endpoint exactly as often as its weight, and `5,1,1` gives a a b a c a a rather than a a a a a b c.
 *
 * With equal weights that is the plain turn, which costs nothing per endpoint. With different ones, and more than 128 of them, it
 * is the earliest deadline: the same shares, at the logarithm of the number. Endpoints that stay keep their credit when
 * the list changes; a newcomer starts with none, so that it gets its share and no more.
 */
export class RoundRobin implements Balancer {
  #entries: Entry[] = [];
  #equal = true;
  /** Where weights are equal: index of the next one. */
  #turn = 0;
  #schedule: EarliestDeadline | undefined;

  update(endpoints: readonly Endpoint[]): void {
    const many = endpoints.length > SMOOTH && endpoints.some(({ weight }) => weight !== endpoints[0]!.weight);
    this.#schedule = many ? (this.#schedule ?? new EarliestDeadline()) : undefined;
    if (this.#schedule !== undefined) {
      this.#entries = [];
      this.#schedule.update(endpoints);
      return;
    }
    const credits = this.#credits();
    this.#entries = endpoints.map((endpoint) => ({
      endpoint,
      weight: endpoint.weight,
      credit: credits.get(endpoint.address) ?? 0,
    }));
    const weight = this.#entries[0]?.weight;
    this.#equal = this.#entries.every((entry) => entry.weight === weight);
    this.#turn = this.#equal ? this.#richest() : 0;
    if (!this.#equal) this.#settle();
  }

  pick(_session: unknown, tried: readonly Endpoint[]): Endpoint | undefined {
    if (this.#schedule !== undefined) return this.#schedule.pick(tried);
    return this.#equal ? this.#pickInTurn(tried) : this.#pickByWeight(tried);
  }

  #pickInTurn(tried: readonly Endpoint[]): Endpoint | undefined {
    const count = this.#entries.length;
    for (let step = 0; step < count; step++) {
      const { endpoint } = this.#entries[this.#turn]!;
      if (++this.#turn === count) this.#turn = 0;
      if (tried.length === 0 || !isTried(endpoint, tried)) return endpoint;
    }
    return undefined;
  }

  #pickByWeight(tried: readonly Endpoint[]): Endpoint | undefined {
    let best: Entry | undefined;
    let total = 0;
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      if (tried.length > 0 && isTried(entry.endpoint, tried)) continue;
      entry.credit += entry.weight;
      total += entry.weight;
      if (best === undefined || entry.credit > best.credit) best = entry;
    }
    if (best === undefined) return undefined;
    best.credit -= total;
    return best.endpoint;
  }

  /** What each endpoint's credit is now, or would be had its equal turn been counted. */
  #credits(): Map<string, number> {
    const count = this.#entries.length;
    return new Map(
      this.#entries.map(({ endpoint, weight, credit }, index) => [
        endpoint.address,
        this.#equal ? weight * (index < this.#turn ? this.#turn - count : this.#turn) : credit,
      ]),
    );
  }

  /** After a change: none owes or is owed more than one round, and the credits sum up to nothing again. */
  #settle(): void {
    const total = this.#entries.reduce((sum, entry) => sum + entry.weight, 0);
    for (const entry of this.#entries) entry.credit = Math.min(total, Math.max(-total, entry.credit));
    const surplus = this.#entries.reduce((sum, entry) => sum + entry.credit, 0) / this.#entries.length;
    for (const entry of this.#entries) entry.credit -= surplus;
  }

  #richest(): number {
    let richest = 0;
    this.#entries.forEach((entry, index) => {
      if (entry.credit > this.#entries[richest]!.credit) richest = index;
    });
    return richest;
  }
}

interface Entry {
  readonly endpoint: Endpoint;
  readonly weight: number;
  /** nginx's `current_weight`. */
  credit: number;
}
