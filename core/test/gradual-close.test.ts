import { type Deadline, OpenSessions, type Session, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { closeGradually } from '../src/gradual-close.ts';

/** A clock whose timers may all come late. */
class LateClock extends VirtualClock {
  late = 0;

  override after(ms: number, f: () => void): Disposable {
    return super.after(ms + this.late, f);
  }
}

/** Sessions that are asked to close, and go when they are told to. */
class Crowd {
  readonly clock = new LateClock();
  readonly open = new Set<Session>();
  /** Time, code and cause of each close. */
  readonly closes: [number, number | undefined, string][] = [];

  add(kind: 'websocket' | 'eventStream' | 'exchange', answers = true): Session {
    const session = {
      ...(kind !== 'exchange' && { [kind]: {} }),
      close: (cause: string, code?: number) => {
        this.closes.push([this.clock.now(), code, cause]);
        if (answers) this.open.delete(session);
      },
    } as unknown as Session;
    this.open.add(session);
    return session;
  }

  close(by: Deadline, meant: (session: Session) => boolean = () => true): void {
    const sessions = Object.assign(new OpenSessions(), { [Symbol.iterator]: () => [...this.open][Symbol.iterator]() });
    closeGradually(sessions, this.clock, by, 'drain', meant);
  }

  /** Most closes within any second. */
  get busiestSecond(): number {
    const times = this.closes.map(([at]) => at);
    return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length));
  }
}

describe('closing gradually', () => {
  let crowd: Crowd;
  beforeEach(() => {
    crowd = new Crowd();
  });
  const many = (count: number, answers = true) => {
    for (let i = 0; i < count; i++) crowd.add('websocket', answers);
  };

  it('spreads the closes over the time, but for what the last peers need to answer', () => {
    many(2_000);
    crowd.close({ at: 20_000, rate: 500 });
    crowd.clock.advance(20_000);
    expect(crowd.closes).to.have.length(2_000);
    const last = crowd.closes.at(-1)![0];
    expect(last).to.be.within(13_000, 15_400);
    expect(crowd.closes.filter(([at]) => at < 7_500).length).to.be.within(850, 1_150);
  });

  it('keeps to the rate where that is less than the time asks for, and leaves what does not fit', () => {
    many(2_000);
    crowd.close({ at: 5_000, rate: 100 });
    crowd.clock.advance(10_000);
    expect(crowd.busiestSecond).to.be.at.most(150);
    expect(crowd.closes.length).to.be.within(400, 525);
  });

  it('makes up for steps that come late, within one and a half of the rate in any second', () => {
    many(2_000);
    crowd.close({ at: 20_000, rate: 200 });
    // The event loop is held up again and again.
    crowd.clock.late = 200;
    crowd.clock.advance(20_000);
    expect(crowd.closes).to.have.length(2_000);
    expect(crowd.closes.at(-1)![0]).to.be.below(16_500);
    expect(crowd.busiestSecond).to.be.at.most(300);
  });

  it('does not make a few wait: a twentieth of the rate is closed at once, and each second', () => {
    many(20);
    crowd.close({ at: 60_000, rate: 200 });
    expect(crowd.closes).to.have.length(10);
    crowd.clock.advance(1_300);
    expect(crowd.closes).to.have.length(20);
  });

  it('closes each once, and does not wait for those that do not answer', () => {
    many(100, false);
    crowd.close({ at: 4_000, rate: 1_000 });
    crowd.clock.advance(4_000);
    expect(crowd.closes).to.have.length(100);
    expect(crowd.closes.at(-1)![0]).to.be.below(3_500);
  });

  it('closes what opens meanwhile, event streams without a code, and neither exchanges nor what is not meant', () => {
    crowd.add('exchange');
    const spared = crowd.add('websocket');
    crowd.add('eventStream');
    crowd.close({ at: 4_000, rate: 1_000, closeCode: 1012 }, (session) => session !== spared);
    crowd.clock.advance(500);
    crowd.add('websocket');
    crowd.clock.advance(3_500);
    expect(crowd.closes.map(([, code]) => code)).to.deep.equal([undefined, 1012]);
    expect(crowd.open.size).to.equal(2);
  });

  it('ends with the last one that is meant', () => {
    many(1);
    crowd.close({ at: 60_000, rate: 10 });
    crowd.clock.advance(1_000);
    const armed: unknown[] = [];
    const { after } = crowd.clock;
    crowd.clock.after = (ms, f) => {
      armed.push(ms);
      return after.call(crowd.clock, ms, f);
    };
    crowd.clock.advance(60_000);
    expect(armed).to.deep.equal([]);
  });
});
