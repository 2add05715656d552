import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { Timer, VirtualClock, WheelClock } from '../src/index.ts';
import { Wheel } from '../src/wheel.ts';
import { thrownBy } from './stand-ins.ts';

class Recording extends Timer {
  readonly name: string;
  readonly seen: string[];

  constructor(name: string, seen: string[]) {
    super();
    this.name = name;
    this.seen = seen;
  }

  expired(): void {
    this.seen.push(this.name);
  }
}

describe('a virtual clock', () => {
  it('begins at 0 and moves by what it is advanced', () => {
    const clock = new VirtualClock();
    expect([clock.now(), clock.wallTime()]).to.deep.equal([0, 0]);
    clock.advance(150);
    expect([clock.now(), clock.wallTime()]).to.deep.equal([150, 150]);
  });

  it('runs what is due in order, each at its tick', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    for (const ms of [300, 100, 200]) clock.after(ms, () => seen.push(`${ms} at ${clock.now()}`));
    clock.after(200, () => seen.push('second of 200'));
    clock.advance(250);
    expect(seen).to.deep.equal(['100 at 100', '200 at 200', 'second of 200']);
    clock.advance(50);
    expect(seen.at(-1)).to.equal('300 at 300');
  });

  it('expires up to one tick late, never early', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.after(101, () => seen.push(clock.now()));
    clock.advance(100);
    expect(seen).to.deep.equal([]);
    clock.advance(100);
    expect(seen).to.deep.equal([200]);
  });

  it('calls once, and not at all after it was disposed', () => {
    const clock = new VirtualClock();
    let calls = 0;
    clock.after(100, () => calls++);
    clock.after(100, () => calls++)[Symbol.dispose]();
    clock.advance(100_000);
    expect(calls).to.equal(1);
  });

  it('moves a timer later without hanging it anew, and earlier', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const timer = new Recording('t', seen);
    clock.arm(timer, 500);
    const { due } = timer;
    clock.arm(timer, 900);
    expect([timer.due, timer.at]).to.deep.equal([due, 900]);
    clock.advance(800);
    expect(seen).to.deep.equal([]);
    clock.arm(timer, 100);
    clock.advance(100);
    expect(seen).to.deep.equal(['t']);
    expect(timer.at).to.equal(Number.POSITIVE_INFINITY);
    clock.advance(10_000);
    expect(seen).to.deep.equal(['t']);
  });

  it('keeps a timer that is rounds of the wheel ahead', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.arm(new Recording('far', seen), 3 * 51_200 + 100);
    clock.advance(3 * 51_200);
    expect(seen).to.deep.equal([]);
    clock.advance(100);
    expect(seen).to.deep.equal(['far']);
  });

  it('suspends a timer until it is armed again, earlier or later than before, or its old tick has passed', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const timers = ['earlier', 'later', 'after its tick', 'never'].map((name) => new Recording(name, seen));
    for (const timer of timers) {
      clock.arm(timer, 1_000);
      clock.suspend(timer);
    }
    clock.arm(timers[0]!, 500);
    clock.arm(timers[1]!, 1_500);
    clock.advance(1_400);
    expect(seen).to.deep.equal(['earlier']);
    clock.arm(timers[2]!, 200);
    clock.advance(10_000);
    expect(seen).to.deep.equal(['earlier', 'later', 'after its tick']);
  });

  it('disarms by Infinity, and takes a time in the past for the next tick', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const timer = new Recording('t', seen);
    clock.arm(timer, 100);
    clock.arm(timer, Number.POSITIVE_INFINITY);
    expect([timer.slot, timer.previous, timer.next]).to.deep.equal([-1, null, null]);
    clock.advance(1_000);
    clock.arm(timer, -5_000);
    expect(seen).to.deep.equal([]);
    clock.advance(100);
    expect(seen).to.deep.equal(['t']);
  });

  it('lets a timer arm itself and disarm others while it expires', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const other = new Recording('other', seen);
    class Busy extends Recording {
      override expired(): void {
        super.expired();
        clock.disarm(other);
        if (seen.length < 3) clock.arm(this, 100);
      }
    }
    clock.arm(new Busy('busy', seen), 100);
    clock.arm(other, 100);
    clock.advance(1_000);
    expect(seen).to.deep.equal(['busy', 'busy', 'busy']);
  });

  it('runs the rest before it throws what a timer threw', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.after(100, () => {
      throw new Error('boom');
    });
    clock.arm(new Recording('same tick', seen), 100);
    clock.arm(new Recording('next tick', seen), 200);
    expect(thrownBy(() => clock.advance(200)).message).to.equal('boom');
    expect(seen).to.deep.equal(['same tick', 'next tick']);
    clock.advance(100);
  });
});

describe('the wheel', () => {
  it('unlinks from the middle of a slot', () => {
    const wheel = new Wheel(0, () => {});
    const seen: string[] = [];
    const timers = ['a', 'b', 'c'].map((name) => new Recording(name, seen));
    for (const timer of timers) wheel.arm(timer, 100);
    wheel.disarm(timers[1]!);
    expect(wheel.size).to.equal(2);
    wheel.advance(100);
    expect(seen).to.deep.equal(['a', 'c']);
    expect(wheel.size).to.equal(0);
  });

  it('fires all that is due after a sleep of many rounds, and what that arms in the tick after', () => {
    const wheel = new Wheel(0, () => {});
    const seen: string[] = [];
    const again = new Recording('again', seen);
    const now = 1_000_000;
    class Arming extends Recording {
      override expired(): void {
        super.expired();
        wheel.arm(again, now - 5);
      }
    }
    wheel.arm(new Arming('first', seen), 51_200);
    wheel.arm(new Recording('later', seen), 999_900);
    wheel.advance(now);
    expect(seen).to.have.members(['first', 'later']);
    wheel.advance(now + 100);
    expect(seen.at(-1)).to.equal('again');
  });

  it('tells of a timer that throws, and goes on', () => {
    const errors: unknown[] = [];
    const wheel = new Wheel(0, (error) => errors.push(error));
    const seen: string[] = [];
    class Throwing extends Timer {
      expired(): void {
        throw new Error('boom');
      }
    }
    wheel.arm(new Throwing(), 100);
    wheel.arm(new Recording('rest', seen), 100);
    wheel.advance(100);
    expect(errors.map(String)).to.deep.equal(['Error: boom']);
    expect(seen).to.deep.equal(['rest']);
  });

  it('is right about ten thousand timers that are armed, moved and disarmed at random', () => {
    const clock = new VirtualClock();
    let state = 42;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    let wrong = 0;
    let expired = 0;
    class Checked extends Timer {
      wanted = Number.POSITIVE_INFINITY;
      expired(): void {
        expired++;
        if (clock.now() < this.wanted || clock.now() >= this.wanted + 200) wrong++;
        this.wanted = Number.POSITIVE_INFINITY;
      }
    }
    const timers = Array.from({ length: 1_000 }, () => new Checked());
    for (let i = 0; i < 10_000; i++) {
      const timer = timers[random(timers.length)]!;
      if (random(5) === 0) {
        clock.disarm(timer);
        timer.wanted = Number.POSITIVE_INFINITY;
      } else {
        const ms = random(120_000);
        clock.arm(timer, ms);
        timer.wanted = clock.now() + ms;
      }
      clock.advance(random(50));
    }
    clock.advance(200_000);
    expect(wrong).to.equal(0);
    expect(expired).to.be.greaterThan(1_000);
    expect(timers.every(({ at, slot }) => at === Number.POSITIVE_INFINITY && slot === -1)).to.equal(true);
  });
});

describe('the clock that runs', () => {
  it('sleeps until the next timer is due where nothing else is armed', async () => {
    // An event loop of its own: this one is Mocha's, too.
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const rounds = () => performance.nodeTiming.uvMetricsInfo.loopCount;
       import(workerData).then(({ WheelClock }) => {
         const clock = new WheelClock(() => {});
         const alive = setInterval(() => {}, 60_000);
         clock.after(30_000, () => {});
         const [from, before] = [clock.now(), rounds()];
         clock.after(1_200, () => clock.after(700, () => {
           clearInterval(alive);
           parentPort.postMessage({ ms: clock.now() - from, turns: rounds() - before });
         }));
       });`,
      { eval: true, workerData: new URL('../src/wheel-clock.ts', import.meta.url).href },
    );
    const [{ ms, turns }] = (await once(worker, 'message')) as [{ ms: number; turns: number }];
    expect(ms).to.be.within(1_900, 5_000);
    // With a tick each 100 ms there would be 19 at least.
    expect(turns).to.be.below(15);
  });

  it('calls what became due while a timer held it up, and Node has nothing to warn of', async () => {
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const seen = [];
       process.on('warning', ({ name }) => seen.push(name));
       import(workerData).then(({ WheelClock }) => {
         const clock = new WheelClock(() => {});
         const alive = setInterval(() => {}, 60_000);
         clock.after(400, () => {
           seen.push('first');
           for (const until = clock.now() + 300; clock.now() < until; );
         });
         clock.after(600, () => {
           seen.push('second');
           clearInterval(alive);
           parentPort.postMessage(seen);
         });
       });`,
      { eval: true, workerData: new URL('../src/wheel-clock.ts', import.meta.url).href },
    );
    expect((await once(worker, 'message'))[0]).to.deep.equal(['first', 'second']);
  });

  it('is in time for what is armed while it sleeps, sooner than what it sleeps for, and behind it', async () => {
    const clock = new WheelClock(() => {});
    const alive = setInterval(() => {}, 60_000);
    const seen: string[] = [];
    const timer = (name: string, f?: () => void) => {
      class Named extends Recording {
        override expired(): void {
          super.expired();
          f?.();
        }
      }
      return new Named(name, seen);
    };
    clock.arm(timer('first'), 900);
    const from = clock.now();
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        expect(Math.abs(clock.coarse() - clock.now())).to.be.below(1);
        clock.arm(timer('sooner'), 100);
        clock.arm(timer('behind', resolve), 800);
      }, 400);
    });
    clearInterval(alive);
    expect(seen).to.deep.equal(['sooner', 'first', 'behind']);
    expect(clock.now() - from).to.be.within(1_200, 5_000);
  });

  it('calls after the time, and never within the arming', async () => {
    const clock = new WheelClock(() => {});
    const from = clock.now();
    await new Promise<void>((resolve) => {
      let armed = false;
      clock.after(-50, () => expect(armed).to.equal(true));
      armed = true;
      clock.after(20, resolve);
      // The clock itself does not keep the process alive.
      const alive = setInterval(() => {}, 1_000);
      clock.after(150, () => clearInterval(alive));
    });
    expect(clock.now() - from).to.be.within(20, 2_000);
    expect(Math.abs(clock.wallTime() - Date.now())).to.be.below(1_000);
  });

  it('tells the time of day of what it has told before, and follows the system where that is set', () => {
    const clock = new WheelClock(() => {});
    const system = Date.now;
    try {
      for (const set of [0, 3_600_000, -3_600_000, 0]) {
        Date.now = () => system() + set;
        const before = Date.now();
        const then = clock.now() + clock.epoch;
        const after = Date.now();
        expect(then).to.be.within(before - 1, after + 1);
        expect(clock.wallTime()).to.be.within(then - 1, Date.now() + 1);
      }
    } finally {
      Date.now = system;
    }
  });

  it('keeps to its epoch while the system tells nothing new, however late it looks', () => {
    const clock = new WheelClock(() => {});
    const first = clock.epoch;
    for (let i = 0; i < 1_000; i++) expect(clock.epoch - first).to.be.within(-1, 1);
  });
});
