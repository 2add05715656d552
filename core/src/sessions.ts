import type { Endpoint } from './cluster.ts';
import type { Session } from './session.ts';

/** The open sessions, in the order in which they began. */
export interface Sessions extends Iterable<Session> {
  readonly size: number;
  get(id: string): Session | undefined;
}

/** Reaches the pooled upstream sockets that no session uses now. */
export interface IdleConnections {
  /** How many are idle, for one endpoint's address or in all. */
  count(address?: string): number;
  /** Closes those of one address, of one endpoint, or all. */
  close(of?: string | Endpoint): void;
}
