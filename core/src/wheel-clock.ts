import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './clock.ts';
import { timeOfTurn } from './outbox.ts';
import { FunctionTimer, TICK_MS, Wheel } from './wheel.ts';

/**
 * The clock that runs: one interval for all timers, while they are being armed; where nothing has armed one for a tick, it sleeps
 * until the next one may be due. It does not keep the process alive.
 */
export class WheelClock implements Clock {
  readonly #wheel: Wheel;
  #interval: NodeJS.Timeout | undefined;
  /** Wakes a clock that sleeps. */
  #alarm: NodeJS.Timeout | undefined;
  /** Whether a timer was armed since the last tick. */
  #armed = false;
  /** When the wheel was turned last, and one tick: never before now, so that nothing expires too early. */
  #soon = 0;
  #epoch = performance.timeOrigin;

  /** `failed` gets what a timer's `expired` threw. */
  constructor(failed: (error: unknown) => void) {
    this.#wheel = new Wheel(this.now(), failed);
  }

  now(): number {
    return performance.now();
  }

  turn(): number {
    return timeOfTurn();
  }

  coarse(): number {
    return this.#interval === undefined ? timeOfTurn() : this.#soon - TICK_MS;
  }

  wallTime(): number {
    const now = this.now();
    return now + this.epoch;
  }

  get epoch(): number {
    // Without an interval nobody else looks.
    if (this.#interval === undefined) this.#followSystem();
    return this.#epoch;
  }

  arm(timer: Timer, ms: number): void {
    const soon = this.#interval === undefined ? this.now() + TICK_MS : this.#soon;
    this.#hang(timer, soon + ms);
  }

  disarm(timer: Timer): void {
    this.#wheel.disarm(timer);
  }

  suspend(timer: Timer): void {
    this.#wheel.suspend(timer);
  }

  after(ms: number, f: () => void): Disposable {
    const timer = new FunctionTimer(f);
    this.#hang(timer, this.now() + ms);
    return { [Symbol.dispose]: () => this.disarm(timer) };
  }

  #hang(timer: Timer, at: number): void {
    this.#wheel.arm(timer, at);
    this.#armed = true;
    if (this.#interval === undefined && this.#wheel.size > 0) this.#wake();
  }

  #look(): number {
    const now = this.now();
    this.#soon = now + TICK_MS;
    this.#followSystem();
    return now;
  }

  /** Moves the epoch no further than the system's clock says, which tells whole milliseconds, at some time between two readings of ours. */
  #followSystem(): void {
    const before = this.now();
    const wallTime = Date.now();
    const least = wallTime - this.now();
    const most = wallTime + 1 - before;
    this.#epoch = Math.min(Math.max(this.#epoch, least), most);
  }

  #wake(): void {
    clearTimeout(this.#alarm);
    this.#look();
    this.#interval = setInterval(() => {
      const idle = !this.#armed;
      this.#tick();
      if (idle) this.#sleep();
    }, TICK_MS).unref();
  }

  #tick(): void {
    this.#wheel.advance(this.#look());
    // What armed itself again is in the wheel by now.
    this.#armed = false;
  }

  #sleep(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
    const at = this.#wheel.nextTick;
    if (at === Number.POSITIVE_INFINITY) return;
    // What a timer has held up may be due already.
    const ms = Math.max(1, at - this.now());
    this.#alarm = setTimeout(() => {
      this.#tick();
      if (this.#interval === undefined) this.#sleep();
    }, ms).unref();
  }
}
