import { VirtualClock } from '@outrigger/core';

/** A virtual clock for one timer at a time that tells how long it will be. */
export class TellingClock extends VirtualClock {
  /** Milliseconds that the armed timer was armed for; undefined where none is. */
  armed: number | undefined;
  /** Called when a timer was armed. */
  onArmed: () => void = () => {};

  override after(ms: number, f: () => void): Disposable {
    this.armed = Math.round(ms);
    this.onArmed();
    const timer = super.after(ms, () => {
      this.armed = undefined;
      f();
    });
    return {
      [Symbol.dispose]: () => {
        this.armed = undefined;
        timer[Symbol.dispose]();
      },
    };
  }

  /** Lets the timer expire, and what it sets off settle. */
  async expire(): Promise<void> {
    if (this.armed === undefined) throw new Error('no timer is armed');
    // A wheel is at most one tick late.
    this.advance(this.armed + 100);
    await settled();
  }
}

/** After every promise that needs nothing from outside. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
