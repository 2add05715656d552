import type { Endpoint, IdleConnections } from '@outrigger/core';
import type { UpstreamConnection } from './upstream-connection.ts';

type Pooled = Endpoint & { [pool: symbol]: UpstreamConnection[] | undefined };

/** No endpoint carries anything by this. */
const NONE = Symbol('outrigger.pool: none');

/** Those that were used and are free again: an endpoint lives longer than many {@link Pools}, and is not to grow with each. */
const free: symbol[] = [];

/**
 * Upstream connections that no session uses, for each endpoint the last one first: the others grow old and go. An endpoint
 * object belongs to one cluster, and with it to one connector and its settings.
 */
export class Pools implements IdleConnections {
  /** What each endpoint carries its own by, so that a session looks nothing up; those that do are listed here. */
  #pool = NONE;
  readonly #pooled = new Set<Pooled>();
  #shut = false;

  /** One that was made with this `key` ({@link Engine.keyOf}); others go. */
  take(endpoint: Endpoint, key: unknown): UpstreamConnection | undefined {
    const pool = (endpoint as Pooled)[this.#pool];
    if (pool === undefined) return undefined;
    for (let connection = pool.pop(); connection !== undefined; connection = pool.pop()) {
      if (connection.stream.destroyed) continue;
      if (connection.key === key) return connection;
      connection.discard();
    }
    return undefined;
  }

  /** Keeps `connection` where fewer than `limit` are kept; says whether it did. */
  put(connection: UpstreamConnection, limit: number): boolean {
    if (this.#shut || connection.endpoint.leavesAt !== undefined) return false;
    const endpoint = connection.endpoint as Pooled;
    let pool = endpoint[this.#pool];
    if (pool === undefined) {
      if (this.#pool === NONE) this.#pool = free.pop() ?? Symbol('outrigger.pool');
      pool = [];
      endpoint[this.#pool] = pool;
      this.#pooled.add(endpoint);
    }
    if (pool.length >= limit) return false;
    pool.push(connection);
    return true;
  }

  /** Forgets one that went while it was idle. */
  remove(connection: UpstreamConnection): void {
    const endpoint = connection.endpoint as Pooled;
    const pool = endpoint[this.#pool];
    const at = pool?.indexOf(connection) ?? -1;
    if (at === -1) return;
    pool!.splice(at, 1);
    if (pool!.length === 0) this.#forget(endpoint);
  }

  /** Closes all, and keeps none from here on. */
  shut(): void {
    this.#shut = true;
    this.close();
    if (this.#pool === NONE) return;
    free.push(this.#pool);
    this.#pool = NONE;
  }

  count(of?: string | Endpoint): number {
    if (typeof of === 'object') return (of as Pooled)[this.#pool]?.length ?? 0;
    let count = 0;
    for (const endpoint of this.#pooled)
      if (of === undefined || endpoint.address === of) count += endpoint[this.#pool]!.length;
    return count;
  }

  close(of?: string | Endpoint, idleMs = 0): void {
    for (const endpoint of this.#pooled) {
      if (of !== undefined && endpoint !== of && endpoint.address !== of) continue;
      const pool = endpoint[this.#pool]!;
      for (const connection of [...pool]) if (connection.idleMs >= idleMs) connection.discard();
      // Where sessions have taken all that there was, nobody else says so: this one may have left its list.
      if (pool.length === 0) this.#forget(endpoint);
    }
  }

  #forget(endpoint: Pooled): void {
    endpoint[this.#pool] = undefined;
    this.#pooled.delete(endpoint);
  }
}
