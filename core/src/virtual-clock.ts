import type { Clock, Timer } from './clock.ts';
import { FunctionTimer, TICK_MS, Wheel } from './wheel.ts';

/** A clock that a test moves: it begins at 0, and nothing is due before {@link advance} says so. */
export class VirtualClock implements Clock {
  readonly epoch = 0;
  readonly #errors: unknown[] = [];
  readonly #wheel = new Wheel(0, (error) => this.#errors.push(error));
  #now = 0;

  now(): number {
    return this.#now;
  }

  turn(): number {
    return this.#now;
  }

  coarse(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  arm(timer: Timer, ms: number): void {
    this.#wheel.arm(timer, this.#now + ms);
  }

  disarm(timer: Timer): void {
    this.#wheel.disarm(timer);
  }

  suspend(timer: Timer): void {
    this.#wheel.suspend(timer);
  }

  after(ms: number, f: () => void): Disposable {
    const timer = new FunctionTimer(f);
    this.arm(timer, ms);
    return { [Symbol.dispose]: () => this.disarm(timer) };
  }

  /**
   * Lets `ms` milliseconds pass, tick by tick; what is due in a tick sees its time. Throws the first error of a timer when all
   * that is due has run.
   */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let tick = (Math.floor(this.#now / TICK_MS) + 1) * TICK_MS; tick <= end; tick += TICK_MS) {
      this.#now = tick;
      this.#wheel.advance(tick);
    }
    this.#now = end;
    if (this.#errors.length > 0) throw this.#errors.splice(0)[0];
  }
}
