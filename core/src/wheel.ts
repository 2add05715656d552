import { Timer } from './clock.ts';

export const TICK_MS = 100;
const SLOTS = 512;

/**
 * A hashed timing wheel (Varghese and Lauck, 1987, scheme 6): a timer hangs in the list of the tick at which it is due, and
 * goes round as often as that is ahead. Arming is O(1). Arming for later only moves `at`: the timer is hung anew when its
 * old tick comes, so that a connection which re-arms with each byte pays one assignment.
 */
export class Wheel {
  readonly #slots: (Timer | null)[] = new Array<Timer | null>(SLOTS).fill(null);
  readonly #failed: (error: unknown) => void;
  #tick: number;
  #size = 0;

  constructor(now: number, failed: (error: unknown) => void) {
    this.#tick = Math.floor(now / TICK_MS);
    this.#failed = failed;
  }

  /** Timers that hang in the wheel. */
  get size(): number {
    return this.#size;
  }

  /** The time of the next tick in whose slot any timer hangs, due then or rounds later; Infinity: none does. */
  get nextTick(): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY;
    let tick = this.#tick + 1;
    while (this.#slots[tick % SLOTS] === null) tick++;
    return tick * TICK_MS;
  }

  arm(timer: Timer, at: number): void {
    if (at === Number.POSITIVE_INFINITY) return this.disarm(timer);
    timer.at = at;
    const due = this.#dueTick(at);
    if (timer.slot !== -1) {
      if (timer.due <= due) return;
      this.#unlink(timer);
    }
    this.#link(timer, due);
  }

  /** Takes it out at once: a timer is a connection, and must not be held until its tick. */
  disarm(timer: Timer): void {
    timer.at = Number.POSITIVE_INFINITY;
    if (timer.slot !== -1) this.#unlink(timer);
  }

  /** It stays where it hangs, and is taken out when its tick comes. */
  suspend(timer: Timer): void {
    timer.at = Number.POSITIVE_INFINITY;
  }

  /** Runs what is due at `now`, in the order of the ticks, and within a tick in the order in which timers were hung. */
  advance(now: number): void {
    const last = Math.floor(now / TICK_MS);
    const first = this.#tick + 1;
    // After a long sleep of the process one round is enough: every slot has been visited then.
    const end = Math.min(last, this.#tick + SLOTS);
    // Before the visits: what they arm must not hang in a slot that this round has behind it.
    this.#tick = Math.max(this.#tick, last);
    for (let tick = first; tick <= end; tick++) this.#visit(tick % SLOTS, last);
  }

  #visit(slot: number, last: number): void {
    let timer = this.#slots[slot]!;
    this.#slots[slot] = null;
    const due: Timer[] = [];
    while (timer !== null) {
      const { next } = timer;
      timer.previous = null;
      timer.next = null;
      timer.slot = -1;
      this.#size--;
      due.push(timer);
      timer = next!;
    }
    // A slot's list begins with the last one hung.
    for (let i = due.length - 1; i >= 0; i--) {
      const timer = due[i]!;
      if (timer.slot !== -1 || timer.at === Number.POSITIVE_INFINITY) continue;
      const tick = this.#dueTick(timer.at, true);
      if (tick > last) {
        this.#link(timer, tick);
        continue;
      }
      timer.at = Number.POSITIVE_INFINITY;
      try {
        timer.expired();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** The first tick that is not before `at`; a new timer never hangs in a tick that is over. */
  #dueTick(at: number, visited = false): number {
    const tick = Math.ceil(at / TICK_MS);
    return visited ? tick : Math.max(tick, this.#tick + 1);
  }

  #link(timer: Timer, due: number): void {
    const slot = due % SLOTS;
    const first = this.#slots[slot]!;
    timer.due = due;
    timer.slot = slot;
    timer.previous = null;
    timer.next = first;
    if (first !== null) first.previous = timer;
    this.#slots[slot] = timer;
    this.#size++;
  }

  #unlink(timer: Timer): void {
    if (timer.previous === null) this.#slots[timer.slot] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    timer.previous = null;
    timer.next = null;
    timer.slot = -1;
    this.#size--;
  }
}

/** A function as a timer, for {@link Clock.after}. */
export class FunctionTimer extends Timer {
  readonly #f: () => void;

  constructor(f: () => void) {
    super();
    this.#f = f;
  }

  expired(): void {
    this.#f();
  }
}
