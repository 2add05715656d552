import type { Endpoint } from './cluster.ts';
import type { Session } from './session.ts';

/** The open sessions, in the order in which they began. */
export interface Sessions extends Iterable<Session> {
  readonly size: number;
  get(id: string): Session | undefined;
}

/** Reaches the pooled upstream sockets that no session uses now. */
export interface IdleConnections {
  /** How many are idle, for one address, for one endpoint, or in all. */
  count(of?: string | Endpoint): number;
  /** Closes those of one address, of one endpoint, or all; only those that have been idle for `idleMs` milliseconds, where that is given. */
  close(of?: string | Endpoint, idleMs?: number): void;
}
