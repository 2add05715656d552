import type { Clock } from '@outrigger/core';

/** A clock that stands still until it is told otherwise; `after` alone. */
export class VirtualClock implements Clock {
  #now = 0;
  #timers: { at: number; f: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  arm(): void {}

  disarm(): void {}

  after(ms: number, f: () => void): Disposable {
    const timer = { at: this.#now + ms, f };
    this.#timers.push(timer);
    return { [Symbol.dispose]: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Milliseconds until the next timer, in whole numbers; undefined where none is armed. */
  next(): number | undefined {
    const at = Math.min(...this.#timers.map((timer) => timer.at));
    return Number.isFinite(at) ? Math.round(at - this.#now) : undefined;
  }

  /** Lets the next timer expire, and what it sets off settle. */
  async advance(): Promise<void> {
    this.#timers.sort((a, b) => a.at - b.at);
    const timer = this.#timers.shift();
    if (!timer) throw new Error('no timer is armed');
    this.#now = timer.at;
    timer.f();
    await settled();
  }
}

/** After every promise that needs nothing from outside. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
