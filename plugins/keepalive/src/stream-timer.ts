import { type Clock, type Session, Timer } from '@outrigger/core';
import type { Policy } from './policy.ts';
import { StreamEnds } from './stream-ends.ts';

/** Intervals are shortened by 5 to 15 %: peers that opened together are not pinged together, and a late tick is no late ping. */
const EARLIEST = 0.85;
const SPREAD = 0.1;

/** Source of the jitter: 0 to 1. */
export type Random = () => number;

/** The one timer of a long-lived session: it is not touched by what the session carries, but looks back when it expires. */
export abstract class StreamTimer extends Timer {
  protected readonly session: Session;
  protected readonly policy: Policy;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ends: StreamEnds | undefined;
  #stopped = false;

  constructor(session: Session, policy: Policy, clock: Clock, random: Random) {
    super();
    this.session = session;
    this.policy = policy;
    this.#clock = clock;
    this.#random = random;
    this.#ends = StreamEnds.of(session, policy, clock.now(), random);
  }

  /** Does what is due; the time at which to look again, Infinity for never. */
  protected abstract look(now: number): number;

  /** Looks, and arms itself for the next time. */
  expired(): void {
    const now = this.#clock.now();
    const ends = this.#ends?.look(now) ?? Number.POSITIVE_INFINITY;
    const next = Math.min(this.look(now), ends);
    if (next !== Number.POSITIVE_INFINITY && !this.#stopped) this.#clock.arm(this, next - now);
  }

  /** The session is over. */
  stop(): void {
    this.#stopped = true;
    this.#clock.disarm(this);
  }

  /** When something is due that is done every `interval` of silence. */
  protected pauseEnds(silentSince: number, interval: number): number {
    return silentSince + interval * (EARLIEST + SPREAD * this.#random());
  }

  /** Whether it may be done now. */
  protected isDue(silentSince: number, interval: number, now: number): boolean {
    return now >= silentSince + interval * EARLIEST;
  }
}
