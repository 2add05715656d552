import type { Endpoint } from '@outrigger/core';
import { Heap, type HeapEntry } from './heap.ts';

interface Entry extends HeapEntry {
  weight: number;
}

/**
 * Envoy's weighted schedule (`edf_scheduler.h`): earliest deadline first. The one whose deadline comes first is picked, and gets
 * its next one the inverse of its weight later: each is picked as often as its weight says, at the cost of a heap. Endpoints
 * that stay keep what is left of their time when the list changes.
 */
export class EarliestDeadline {
  readonly #heap = new Heap<Entry>();
  #entries = new Map<string, Entry>();
  #now = 0;
  #turn = 0;

  update(endpoints: readonly Endpoint[]): void {
    const known = this.#entries;
    this.#entries = new Map(
      endpoints.map((endpoint) => {
        const before = known.get(endpoint.address);
        const left = before === undefined ? 1 : Math.min(1, Math.max(0, before.key - this.#now) * before.weight);
        const { weight } = endpoint;
        return [endpoint.address, { endpoint, weight, key: this.#now + left / weight, turn: this.#turn++, at: 0 }];
      }),
    );
    this.#heap.fill([...this.#entries.values()]);
  }

  /** `weigh` says what the picked one weighs now; without it, what it weighed at the change. */
  pick(tried: readonly Endpoint[], weigh?: (endpoint: Endpoint) => number): Endpoint | undefined {
    const entry = this.#heap.first(tried);
    if (entry === undefined) return undefined;
    // One that was passed over, since it was tried, may be late.
    this.#now = Math.max(this.#now, entry.key);
    if (weigh !== undefined) entry.weight = weigh(entry.endpoint);
    entry.key = this.#now + 1 / entry.weight;
    entry.turn = this.#turn++;
    this.#heap.moved(entry);
    return entry.endpoint;
  }
}
