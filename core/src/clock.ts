/**
 * A timer that is armed again and again without allocation: one per connection or session, `expired` is called once per
 * arming, at `at` or up to one tick (100 ms) later.
 */
export abstract class Timer {
  // Owned by the clock.
  /** When it expires; Infinity while it is not armed. */
  at = Number.POSITIVE_INFINITY;
  /** The tick, and its slot, where it hangs in the wheel; -1: nowhere. */
  due = -1;
  slot = -1;
  previous: Timer | null = null;
  next: Timer | null = null;

  abstract expired(): void;
}

/** Time, and timers in a wheel: coarse, cheap, and virtual in tests. */
export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  now(): number;
  /**
   * The same as of this turn of the event loop, for what every session asks: it is read once for all that the turn has to hand
   * out, as HAProxy and nginx do it. It never goes back, and is never ahead of {@link now}.
   */
  turn(): number;
  /** The same as of the last tick: up to 100 ms ago, for what need not be exact. */
  coarse(): number;
  /** Wall-clock milliseconds since 1970, with fractions. */
  wallTime(): number;
  /**
   * What makes {@link now} wall-clock milliseconds. It reads no clock, and follows the system's with each tick, so that all that is
   * told of one session is to be reckoned with the same one.
   */
  readonly epoch: number;
  /**
   * Arms `timer` to expire in `ms` milliseconds or up to two ticks later, whatever it was armed to before; Infinity disarms it.
   * As with Node's own timers, time that one callback has blocked the event loop for counts in.
   */
  arm(timer: Timer, ms: number): void;
  disarm(timer: Timer): void;
  /**
   * As {@link disarm}, for a timer that will be armed again: it keeps its place in the wheel until its tick comes, so that
   * neither costs more than an assignment. Who goes for good is to disarm.
   */
  suspend(timer: Timer): void;
  /** Calls `f` once in `ms` milliseconds. For everything that is not on a session's way. */
  after(ms: number, f: () => void): Disposable;
}
