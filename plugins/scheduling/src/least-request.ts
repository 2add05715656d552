import type { Balancer, BalancerFactory, Endpoint } from '@outrigger/core';
import { Choosing } from './choosing.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { FewestOpen } from './fewest-open.ts';

interface Settings {
  readonly choices?: number | 'all';
  readonly bias?: number;
}

/** `least-request`: Envoy's, by open sessions. */
export const leastRequest: BalancerFactory = {
  policy: 'least-request',
  config: {
    choices: {
      doc: 'How many endpoints are drawn at random, of which the one with the fewest open sessions is taken; all looks at every one. Where weights differ, drawing gives way to a weighted schedule.',
      format: choices,
      default: 2,
    },
    bias: {
      doc: 'Where weights differ: how much open sessions take from a weight, which is divided by (open + 1) to this power.',
      format: bias,
      default: 1,
    },
  },
  create: (settings) => leastRequestOf(settings),
};

/**
 * Envoy's `LEAST_REQUEST` (`least_request_lb.cc`). Where weights are equal: of `choices` random endpoints the one with the
 * fewest open sessions. Where they differ: an earliest-deadline schedule in which an endpoint weighs `weight / (open + 1) ^ bias`
 * when it is picked. `all`: the least loaded of every endpoint, `(open + 1) ^ bias / weight`, by a heap.
 */
export function leastRequestOf({ choices = 2, bias = 1 }: Settings, random: () => number = Math.random): Balancer {
  return choices === 'all' ? new FewestOpen(bias) : new LeastRequest(choices, bias, random);
}

class LeastRequest extends Choosing<{ readonly endpoint: Endpoint }> {
  readonly #schedule = new EarliestDeadline();
  readonly #weigh: (endpoint: Endpoint) => number;
  #equal = true;

  constructor(choices: number, bias: number, random: () => number) {
    super(choices, random);
    this.#weigh = ({ weight, requests, streams }) => weight / (requests + streams + 1) ** bias;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.entries = endpoints.map((endpoint) => ({ endpoint }));
    this.#equal = endpoints.every(({ weight }) => weight === endpoints[0]!.weight);
    this.#schedule.update(this.#equal ? [] : endpoints);
  }

  override pick(...[session, tried]: Parameters<Balancer['pick']>): Endpoint | undefined {
    return this.#equal ? super.pick(session, tried) : this.#schedule.pick(tried, this.#weigh);
  }

  protected cost({ endpoint }: { readonly endpoint: Endpoint }): number {
    return endpoint.requests + endpoint.streams;
  }
}

function choices(value: unknown): void {
  if (value !== 'all' && !(Number.isInteger(value) && (value as number) >= 2))
    throw new Error('must be a whole number from 2, or all');
}

function bias(value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0)) throw new Error('must be a number from 0');
}
