import type { Clock } from '@outrigger/core';
import type { Resolver } from './resolver.ts';

/** Milliseconds from one look-up to the next, where nothing else is said. */
export const REFRESH_MS = 30_000;
/** After a failure: 1 s, then twice as long each time, up to 30 s. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** Part of an interval by which it may be longer or shorter, so that sidecars that started together do not ask together. */
const JITTER = 0.1;

/** What look-ups need; tests put their own in. */
export interface LookupOptions {
  readonly clock: Clock;
  readonly resolve: Resolver;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface WatchOptions extends LookupOptions {
  /** The longest time from one look-up to the next, and the shortest where a TTL says less, in milliseconds. */
  readonly refreshMs: number;
  readonly minRefreshMs?: number;
}

export interface NameEvents {
  /** The first answer, the first one after a failure, and each that has other addresses than the last; the order is no change. */
  resolved(addresses: readonly string[]): void;
  /** A look-up failed; the last good answer still holds. Called before the next one is waited for. */
  failed(error: Error): void;
}

/** Looks a name up again and again, until disposed. Nothing is reported before the constructor has returned. */
export class WatchedName implements Disposable {
  readonly #name: string;
  readonly #options: WatchOptions;
  readonly #events: NameEvents;
  #last: readonly string[] | undefined;
  #retryMs = FIRST_RETRY_MS;
  #failed = false;
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(name: string, options: WatchOptions, events: NameEvents) {
    this.#name = name;
    this.#options = options;
    this.#events = events;
    void this.#lookUp();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  async #lookUp(): Promise<void> {
    let addresses: readonly string[] = [];
    let ttlMs = Number.POSITIVE_INFINITY;
    let failure: Error | undefined;
    try {
      const answer = await this.#options.resolve(this.#name);
      addresses = [...new Set(answer.addresses)];
      ttlMs = answer.ttlMs ?? ttlMs;
      if (addresses.length === 0) failure = new Error(`${this.#name} has no address`);
    } catch (error) {
      failure = new Error(`${this.#name} cannot be resolved: ${messageOf(error)}`, { cause: error });
    }
    if (this.#disposed) return;
    if (failure) this.#fail(failure);
    else this.#succeed(addresses, ttlMs);
  }

  #succeed(addresses: readonly string[], ttlMs: number): void {
    const { refreshMs, minRefreshMs = 0 } = this.#options;
    this.#retryMs = FIRST_RETRY_MS;
    this.#again(Math.min(refreshMs, Math.max(minRefreshMs, ttlMs)));
    const failed = this.#failed;
    this.#failed = false;
    if (!failed && this.#last && sameMembers(this.#last, addresses)) return;
    this.#last = addresses;
    this.#events.resolved(addresses);
  }

  #fail(error: Error): void {
    this.#failed = true;
    this.#again(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    this.#events.failed(error);
  }

  #again(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    const jitter = 1 + JITTER * (2 * this.#options.random() - 1);
    this.#timer = this.#options.clock.after(ms * jitter, () => void this.#lookUp());
  }
}

function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
