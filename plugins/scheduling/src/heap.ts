import type { Endpoint } from '@outrigger/core';
import { isTried } from './tried.ts';

/** What a {@link Heap} orders: the smaller key first, among equals the smaller turn. */
export interface HeapEntry {
  readonly endpoint: Endpoint;
  key: number;
  turn: number;
  /** Its place in the heap, which the heap keeps. */
  at: number;
}

/** A binary heap of endpoints. A change of one key costs its logarithm; a look at the first one costs nothing. */
export class Heap<E extends HeapEntry> {
  #entries: E[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** Takes the array over. */
  fill(entries: E[]): void {
    this.#entries = entries;
    entries.forEach((entry, at) => {
      entry.at = at;
    });
    for (let at = (entries.length >> 1) - 1; at >= 0; at--) this.#down(entries[at]!);
  }

  /** The first one that was not tried: below one that was, both children are looked at. */
  first(tried: readonly Endpoint[]): E | undefined {
    return this.#entries.length === 0 ? undefined : this.#firstBelow(0, tried);
  }

  /** The key or the turn of `entry` has changed. */
  moved(entry: E): void {
    if (!this.#up(entry)) this.#down(entry);
  }

  #firstBelow(at: number, tried: readonly Endpoint[]): E | undefined {
    const entries = this.#entries;
    if (at >= entries.length) return undefined;
    const entry = entries[at]!;
    if (tried.length === 0 || !isTried(entry.endpoint, tried)) return entry;
    const left = this.#firstBelow(2 * at + 1, tried);
    const right = this.#firstBelow(2 * at + 2, tried);
    return left === undefined || (right !== undefined && before(right, left)) ? right : left;
  }

  #up(entry: E): boolean {
    const entries = this.#entries;
    const from = entry.at;
    let { at } = entry;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(entry, entries[above]!)) break;
      this.#put(entries[above]!, at);
      at = above;
    }
    this.#put(entry, at);
    return at !== from;
  }

  #down(entry: E): void {
    const entries = this.#entries;
    let { at } = entry;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= entries.length) break;
      if (below + 1 < entries.length && before(entries[below + 1]!, entries[below]!)) below++;
      if (!before(entries[below]!, entry)) break;
      this.#put(entries[below]!, at);
      at = below;
    }
    this.#put(entry, at);
  }

  #put(entry: E, at: number): void {
    this.#entries[at] = entry;
    entry.at = at;
  }
}

function before(a: HeapEntry, b: HeapEntry): boolean {
  return a.key < b.key || (a.key === b.key && a.turn < b.turn);
}
