import type { Balancer, BalancerFactory, Endpoint } from '@outrigger/core';
import { isTried } from './tried.ts';

/** `random`: any endpoint, each with the chance that its weight says. */
export const random: BalancerFactory = { policy: 'random', create: () => new Random() };

/**
 * A draw from the cumulated weights, found by bisection. Nothing is remembered from one pick to the next: many sidecars that
 * start at once do not march in step.
 */
export class Random implements Balancer {
  readonly #random: () => number;
  #endpoints: readonly Endpoint[] = [];
  /** At each place the weights up to and with it. */
  #sums = new Float64Array(0);

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#sums = new Float64Array(endpoints.length);
    let sum = 0;
    for (let i = 0; i < endpoints.length; i++) this.#sums[i] = sum += endpoints[i]!.weight;
  }

  pick(_session: unknown, tried: readonly Endpoint[]): Endpoint | undefined {
    const count = this.#endpoints.length;
    if (count === 0) return undefined;
    // Drawing again keeps the shares of those that are left. Where most of the weight was tried, the next one will do.
    let place = 0;
    for (let draw = 0; draw < 8; draw++) {
      place = this.#place(this.#random() * this.#sums[count - 1]!);
      const endpoint = this.#endpoints[place]!;
      if (tried.length === 0 || !isTried(endpoint, tried)) return endpoint;
    }
    for (let step = 1; step < count; step++) {
      const endpoint = this.#endpoints[(place + step) % count]!;
      if (!isTried(endpoint, tried)) return endpoint;
    }
    return undefined;
  }

  /** The first place whose sum is above `drawn`. */
  #place(drawn: number): number {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
