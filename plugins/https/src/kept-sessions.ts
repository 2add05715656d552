/** RFC 5246 §F.1.4 suggests a day at most; what an endpoint gave it may forget sooner. */
const LIFETIME_MS = 24 * 3_600_000;
const MOST = 1_000;

/** Sessions to resume towards the endpoints of one cluster: the last one of each address, of the last {@link MOST} addresses. */
export class KeptSessions {
  /** That of whom nothing was heard for longest comes first. */
  readonly #byAddress = new Map<string, { readonly session: Buffer; readonly since: number }>();

  get size(): number {
    return this.#byAddress.size;
  }

  /** Called once a connect. Times are milliseconds of the clock. */
  of(address: string, now: number): Buffer | undefined {
    const kept = this.#byAddress.get(address);
    return kept === undefined || now - kept.since >= LIFETIME_MS ? undefined : kept.session;
  }

  keep(address: string, session: Buffer, now: number): void {
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { session, since: now });
    if (this.#byAddress.size > MOST) this.#byAddress.delete(this.#byAddress.keys().next().value!);
  }

  drop(address: string): void {
    this.#byAddress.delete(address);
  }

  /** Drops those of other addresses, and those that are too old. Once a minute. */
  prune(addresses: ReadonlySet<string>, now: number): void {
    for (const [address, { since }] of this.#byAddress)
      if (now - since >= LIFETIME_MS || !addresses.has(address)) this.#byAddress.delete(address);
  }
}
