import type { Clock } from './clock.ts';
import type { ClusterRegistry } from './cluster-registry.ts';
import type { Generation } from './generation.ts';
import type { OpenListeners } from './open-listeners.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { RunningComposition } from './running-composition.ts';

export interface LeftoverParts {
  readonly clock: Clock;
  readonly sessions: OpenSessions;
  readonly clusters: ClusterRegistry;
  readonly listeners: OpenListeners;
  inForce(): Generation;
}

/** So often it is looked whether what is left behind is still in use. */
const SWEEP_MS = 1_000;

/** What reloads have left behind: compositions, listeners and clusters that what is open may still need. */
export class Leftovers {
  readonly #parts: LeftoverParts;
  /** With the last generation that each served. */
  readonly #compositions = new Map<RunningComposition, number>();
  #sweep: Disposable | undefined;
  #ended = false;

  constructor(parts: LeftoverParts) {
    this.#parts = parts;
  }

  /** Compositions, the oldest first. */
  get compositions(): readonly RunningComposition[] {
    return [...this.#compositions.keys()];
  }

  /** Takes the composition of a generation that was replaced; stops those of its plugins that no session can still call. */
  async take({ running: old, number }: Generation): Promise<void> {
    this.#compositions.set(old, number);
    const needed = old.composition.onSessionsWay();
    await old.stop(new Set([...needed, ...this.#parts.inForce().running.composition.instances]));
  }

  /** Releases what nothing open needs any more: looks now, and then again until all is gone. */
  release(): void {
    this.#sweep?.[Symbol.dispose]();
    this.#sweep = undefined;
    if (this.#ended) return;
    const { clock, sessions, clusters, listeners } = this.#parts;
    const { number, running } = this.#parts.inForce();
    let oldest = number;
    for (const session of sessions) oldest = Math.min(oldest, session.generation);
    for (const [left, last] of this.#compositions) {
      if (left.connections > 0 || oldest <= last) continue;
      this.#compositions.delete(left);
      const kept = [...this.#compositions.keys(), running];
      void left.stop(new Set(kept.flatMap(({ composition }) => composition.instances)));
    }
    const empty = listeners.forgetEmpty();
    if (oldest === number) clusters.disposeGone();
    if (oldest < number || this.#compositions.size > 0 || !empty)
      this.#sweep = clock.after(SWEEP_MS, () => this.release());
  }

  /** Releases nothing any more: all is ended. */
  end(): void {
    this.#ended = true;
    this.#sweep?.[Symbol.dispose]();
  }
}
