import type { Clock, IdleConnections, Lifecycle, Sidecar } from '@outrigger/core';
import { SAFE_PART } from './policy.ts';
import type { LegSection } from './settings.ts';

/** So often within the time that is left to an idle connection it is looked. */
const CHECKS = 5;

/**
 * Closes pooled connections to clusters with a `peerIdleTimeout` when they have been idle for half of it: so none is used
 * that the other side is about to cut. Nothing runs where no cluster has one.
 */
export class PooledConnections implements Lifecycle {
  readonly #sidecar: Sidecar;
  readonly #idle: IdleConnections;
  readonly #clock: Clock;
  #next: Disposable | undefined;

  constructor(sidecar: Sidecar, idle: IdleConnections, clock: Clock) {
    this.#sidecar = sidecar;
    this.#idle = idle;
    this.#clock = clock;
  }

  start(): void {
    this.#look();
  }

  /** Clusters may have come, gone, or changed. */
  reload(): void {
    this.#look();
  }

  stop(): void {
    this.#next?.[Symbol.dispose]();
    this.#next = undefined;
  }

  #look(): void {
    this.stop();
    let shortest = Number.POSITIVE_INFINITY;
    for (const { settings, endpoints } of this.#sidecar.clusterStates()) {
      const { peerIdleTimeout } = (settings['keepalive'] ?? {}) as LegSection;
      if (peerIdleTimeout === undefined || peerIdleTimeout === Number.POSITIVE_INFINITY) continue;
      const allowed = peerIdleTimeout * SAFE_PART;
      shortest = Math.min(shortest, allowed);
      // What passes the bound until the next look goes now.
      for (const { address } of endpoints) this.#idle.close(address, allowed * (1 - 1 / CHECKS));
    }
    if (shortest !== Number.POSITIVE_INFINITY) this.#next = this.#clock.after(shortest / CHECKS, () => this.#look());
  }
}
