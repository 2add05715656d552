import type { Balancer, Endpoint, Session } from '@outrigger/core';
import { isTried } from './tried.ts';

/**
 * The power of two choices (Mitzenmacher, 2001): of a few endpoints drawn at random, and never the same one twice in a row, the
 * one that costs least. Almost as even as looking at all, and a crowd of sidecars does not run to the same endpoint at once.
 */
export abstract class Choosing<E extends { readonly endpoint: Endpoint }> implements Balancer {
  protected entries: readonly E[] = [];
  readonly #choices: number;
  readonly #random: () => number;

  constructor(choices: number, random: () => number) {
    this.#choices = choices;
    this.#random = random;
  }

  abstract update(endpoints: readonly Endpoint[]): void;
  protected abstract cost(entry: E): number;

  pick(_session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    let best = this.#draw(tried, undefined);
    if (best === undefined) return undefined;
    let cost = this.cost(best);
    for (let drawn = 1; drawn < this.#choices; drawn++) {
      const other = this.#draw(tried, best);
      if (other === undefined) break;
      const otherCost = this.cost(other);
      if (otherCost >= cost) continue;
      best = other;
      cost = otherCost;
    }
    return best.endpoint;
  }

  /** A random one that is neither tried nor `but`: from a random place on, the first that will do. */
  #draw(tried: readonly Endpoint[], but: E | undefined): E | undefined {
    const { entries } = this;
    const count = entries.length;
    if (but !== undefined && tried.length === 0) {
      if (count < 2) return undefined;
      // Every other one with the same chance: the last stands in for `but`.
      const other = entries[Math.floor(this.#random() * (count - 1))]!;
      return other === but ? entries[count - 1] : other;
    }
    let at = Math.floor(this.#random() * count);
    for (let step = 0; step < count; step++) {
      const entry = entries[at]!;
      if (entry !== but && !isTried(entry.endpoint, tried)) return entry;
      if (++at === count) at = 0;
    }
    return undefined;
  }
}
