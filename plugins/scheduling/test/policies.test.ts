import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { EarliestDeadline } from '../src/earliest-deadline.ts';
import { FewestOpen } from '../src/fewest-open.ts';
import { First } from '../src/first.ts';
import { leastRequestOf } from '../src/least-request.ts';
import { Latencies, PeakEwma } from '../src/peak-ewma.ts';
import { Random } from '../src/random.ts';
import { RoundRobin } from '../src/round-robin.ts';
import {
  end,
  endpoints,
  itIsAPolicy,
  many,
  open,
  opens,
  over,
  type Pooled,
  picks,
  SEED,
  seeded,
  tally,
} from './pool.ts';

const close = (actual: number, expected: number, share: number) =>
  expect(actual).to.be.within(expected * (1 - share), expected * (1 + share));

describe(`random (seed ${SEED})`, () => {
  itIsAPolicy(() => new Random(seeded()));

  for (const list of ['a b c', 'a5 b3 c2', 'a256 b1 c128'])
    it(`picks each of "${list}" as often as its weight says`, () => {
      const all = endpoints(list);
      const total = all.reduce((sum, { weight }) => sum + weight, 0);
      const counts = tally(picks(over(new Random(seeded()), all), 40_000).split(' '));
      for (const { address, weight } of all) {
        const expected = (40_000 * weight) / total;
        expect(counts[address]).to.be.within(expected - 4 * Math.sqrt(expected), expected + 4 * Math.sqrt(expected));
      }
    });

  it('keeps the shares of those that are left when one was tried', () => {
    const all = endpoints('a1 b2 c4');
    const counts = tally(picks(over(new Random(seeded()), all), 30_000, [all[0]!]).split(' '));
    close(counts['c']! / counts['b']!, 2, 0.05);
  });
});

describe('least-connections', () => {
  itIsAPolicy(() => new FewestOpen());

  const table: readonly [list: string, expected: string][] = [
    ['a b c', 'a b c a b c'],
    ['a:2 b c:1', 'b c b a c b'],
    ['a:9 b:9 c', 'c c c c c c c c c a b c'],
    ['a3 b', 'a a b a a a b a'],
    ['a4:4 b1:0', 'b a a a b a'],
    ['a100 b', 'a a a a a a a a'],
  ];
  for (const [list, expected] of table)
    it(`goes ${expected} over "${list}"`, () => {
      const balancer = over(new FewestOpen(), endpoints(list));
      expect(opens(balancer, expected.split(' ').length)).to.equal(expected);
    });

  it('counts streams and requests together', () => {
    const [a, b] = endpoints('a b');
    a!.streams = 3;
    b!.requests = 2;
    expect(over(new FewestOpen(), [a!, b!]).pick({} as never, [])).to.equal(b);
  });

  it('goes to whom sessions have left', () => {
    const all = endpoints('a b c');
    const balancer = over(new FewestOpen(), all);
    opens(balancer, 30);
    for (let i = 0; i < 4; i++) end(balancer, all[1]!);
    expect(opens(balancer, 4)).to.equal('b b b b');
  });

  it('is always exact: over random sessions nobody is picked while another has less', () => {
    const random = seeded();
    const all = many(97, (i) => 1 + (i % 7));
    const balancer = over(new FewestOpen(), all);
    const sessions: Pooled[] = [];
    for (let i = 0; i < 20_000; i++) {
      if (random() < 0.45 && sessions.length > 0) {
        end(balancer, sessions.splice(Math.floor(random() * sessions.length), 1)[0]!);
        continue;
      }
      const least = Math.min(...all.map(({ requests, weight }) => (requests + 1) / weight));
      const picked = balancer.pick({} as never, []) as Pooled;
      expect((picked.requests + 1) / picked.weight).to.equal(least);
      picked.requests++;
      balancer.observe?.(picked, { kind: 'begin', ms: 0 });
      sessions.push(picked);
    }
  });

  it('still picks the emptiest when it is made anew over endpoints with open sockets', () => {
    const all = endpoints('a b c');
    all[0]!.streams = 40;
    all[1]!.streams = 10;
    all[2]!.streams = 30;
    expect(tally(opens(over(new FewestOpen(), all), 20).split(' '))).to.deep.equal({ b: 20 });
  });

  it('hears of sessions that end at an endpoint which is no longer listed', () => {
    const [a, b] = endpoints('a b');
    const balancer = over(new FewestOpen(), [a!, b!]);
    opens(balancer, 4);
    balancer.update([b!]);
    end(balancer, a!);
    balancer.update([a!, b!]);
    expect(opens(balancer, 2)).to.equal('a b');
  });
});

describe(`least-request (seed ${SEED})`, () => {
  itIsAPolicy(() => leastRequestOf({}, seeded()));
  describe('with choices: 5', () => itIsAPolicy(() => leastRequestOf({ choices: 5 }, seeded())));
  describe('with choices: all', () => itIsAPolicy(() => leastRequestOf({ choices: 'all' }, seeded())));

  it('never takes the busiest of three, since it draws two different ones', () => {
    const balancer = over(leastRequestOf({}, seeded()), endpoints('a:1 b:9 c:5'));
    const counts = tally(picks(balancer, 9_000).split(' '));
    expect(counts['b']).to.equal(undefined);
    close(counts['a']!, 6_000, 0.05);
    close(counts['c']!, 3_000, 0.05);
  });

  it('keeps 50 endpoints within a few sessions of each other, which random does not', () => {
    const spread = (balancer: Random | ReturnType<typeof leastRequestOf>) => {
      const all = many(50);
      opens(over(balancer, all), 5_000);
      return Math.max(...all.map(({ requests }) => requests)) - 100;
    };
    const [two, one] = [spread(leastRequestOf({}, seeded())), spread(new Random(seeded()))];
    expect(two).to.be.at.most(4);
    expect(one).to.be.above(4 * two);
  });

  it('with unequal weights opens sessions in their proportion', () => {
    const all = endpoints('a1 b2 c5');
    const balancer = over(leastRequestOf({}, seeded()), all);
    for (let i = 0; i < 8_000; i++) end(balancer, open(balancer)!);
    const counts = tally(picks(balancer, 8_000).split(' '));
    close(counts['a']!, 1_000, 0.01);
    close(counts['c']!, 5_000, 0.01);
  });

  it('with unequal weights takes weight from who is busy, and by bias: 0 does not', () => {
    const share = (bias: number) => {
      const balancer = over(leastRequestOf({ bias }, seeded()), endpoints('a2:3 b1 c1'));
      return tally(picks(balancer, 5_000).split(' '))['a']! / 5_000;
    };
    close(share(1), 0.5 / 2.5, 0.02);
    close(share(0), 0.5, 0.02);
  });

  it('with choices: all takes the least loaded of every endpoint', () => {
    const balancer = over(leastRequestOf({ choices: 'all' }), endpoints('a:3 b:1 c:2 d:7'));
    expect(opens(balancer, 3)).to.equal('b c b');
  });
});

describe(`peak-ewma (seed ${SEED})`, () => {
  const make = (settings = {}) => {
    const clock = new VirtualClock();
    return { clock, balancer: new PeakEwma(settings, clock, new Latencies(clock), seeded()) };
  };
  itIsAPolicy(() => make().balancer);

  const head = (ms: number) => ({ kind: 'head', ms }) as const;
  const preferred = (balancer: PeakEwma) => {
    const counts = tally(picks(balancer, 100).split(' '));
    return Object.keys(counts).sort((x, y) => counts[y]! - counts[x]!)[0];
  };

  it('prefers who answers sooner', () => {
    const { balancer } = make();
    const [a, b] = endpoints('a b');
    over(balancer, [a!, b!]);
    balancer.observe?.(a!, head(80));
    balancer.observe?.(b!, head(40));
    expect(tally(picks(balancer, 100).split(' '))).to.deep.equal({ b: 100 });
  });

  it('takes a peak at once, and forgets it over time', () => {
    const { balancer, clock } = make();
    const [a, b] = endpoints('a b');
    over(balancer, [a!, b!]);
    balancer.observe?.(a!, head(2_000));
    expect(preferred(balancer)).to.equal('b');
    for (let second = 0; second < 40; second++) {
      clock.advance(1_000);
      balancer.observe?.(b!, head(100));
    }
    expect(preferred(balancer), 'after 40 s').to.equal('a');
  });

  it('comes down slowly: a quick answer after a peak is no acquittal', () => {
    const { balancer, clock } = make();
    const [a, b] = endpoints('a b');
    over(balancer, [a!, b!]);
    balancer.observe?.(a!, head(1_000));
    balancer.observe?.(b!, head(200));
    clock.advance(1_000);
    balancer.observe?.(a!, head(1));
    expect(preferred(balancer)).to.equal('b');
  });

  it('weighs open sessions and weights in', () => {
    const { balancer } = make();
    expect(preferred(over(balancer, endpoints('a:3 b:1')))).to.equal('b');
    expect(preferred(over(make().balancer, endpoints('a8:3 b1:1')))).to.equal('a');
  });

  it('hears a ping as it hears a head', () => {
    const { balancer } = make();
    const [a, b] = endpoints('a b');
    over(balancer, [a!, b!]);
    balancer.observe?.(a!, { kind: 'ping', ms: 500 });
    expect(preferred(balancer)).to.equal('b');
  });

  it('does not take one that refuses for a quick one', () => {
    const { balancer } = make();
    const [a, b] = endpoints('a b');
    over(balancer, [a!, b!]);
    balancer.observe?.(b!, head(300));
    balancer.observe?.(a!, { kind: 'failure', ms: 0 });
    expect(preferred(balancer)).to.equal('b');
  });

  it('never asks how long a session lasted', () => {
    const { balancer, clock } = make();
    const [a, b] = endpoints('a b');
    over(balancer, [a!, b!]);
    a!.streams++;
    balancer.observe?.(a!, { kind: 'begin', ms: 0 });
    clock.advance(100);
    a!.streams--;
    balancer.observe?.(a!, { kind: 'end', ms: 3_600_000 });
    const counts = tally(picks(balancer, 1_000).split(' '));
    close(counts['a'] ?? 0, 500, 0.15);
  });

  it('keeps what it knows when it is made anew, with other settings', () => {
    const clock = new VirtualClock();
    const latencies = new Latencies(clock);
    const [a, b] = endpoints('a b');
    const before = over(new PeakEwma({}, clock, latencies, seeded()), [a!, b!]);
    before.observe(a!, head(900));
    expect(latencies.details.endpoint!(a!)).to.deep.equal({ ewmaMs: 900 });
    expect(preferred(over(new PeakEwma({ decay: 5_000 }, clock, latencies, seeded()), [a!, b!]))).to.equal('b');
  });

  it('keeps what it knows of those that stay', () => {
    const { balancer } = make();
    const [a, b, c] = endpoints('a b c');
    over(balancer, [a!, b!]);
    balancer.observe?.(a!, head(900));
    balancer.update([a!, c!]);
    expect(preferred(balancer)).to.equal('c');
  });
});

describe(`first (seed ${SEED})`, () => {
  itIsAPolicy(() => new First(undefined, seeded()));
  describe('with a capacity', () => itIsAPolicy(() => new First(2, seeded())));

  const table: readonly [list: string, capacity: number | undefined, expected: string][] = [
    ['a b c', undefined, 'a a a a'],
    ['a b c', 2, 'a a b b c c'],
    ['a2 b1 c1', 2, 'a a a a b b c c'],
    ['a:2 b:1 c', 2, 'b c c'],
  ];
  for (const [list, capacity, expected] of table)
    it(`goes ${expected} over "${list}" with capacity ${capacity}`, () => {
      const balancer = over(new First(capacity, seeded()), endpoints(list));
      expect(opens(balancer, expected.split(' ').length)).to.equal(expected);
    });

  it('comes back to an earlier one that has room again', () => {
    const all = endpoints('a b c');
    const balancer = over(new First(1, seeded()), all);
    opens(balancer, 2);
    end(balancer, all[0]!);
    expect(opens(balancer, 2)).to.equal('a c');
  });

  it('goes beyond the capacity where all are full, and evenly', () => {
    const all = endpoints('a b');
    opens(over(new First(1, seeded()), all), 100);
    expect(all.map(({ requests }) => requests)).to.deep.equal([50, 50]);
  });
});

describe('round-robin over more than 128 endpoints', () => {
  itIsAPolicy(() => {
    const balancer = new RoundRobin();
    balancer.update(many(200, (i) => 1 + (i % 3)));
    return balancer;
  });

  it('picks each as often as its weight says, in any round', () => {
    const all = many(300, (i) => 1 + (i % 5));
    const total = all.reduce((sum, { weight }) => sum + weight, 0);
    const counts = tally(picks(over(new RoundRobin(), all), total * 3).split(' '));
    for (const { address, weight } of all)
      expect(counts[address], address).to.be.within(weight * 3 - 1, weight * 3 + 1);
  });

  it('spreads the turns of one over the round', () => {
    const list = picks(
      over(
        new RoundRobin(),
        many(200, (i) => (i === 0 ? 200 : 1)),
      ),
      400,
    ).split(' ');
    const places = list.flatMap((address, place) => (address === 'e0' ? [place] : []));
    const gaps = places.slice(1).map((place, i) => place - places[i]!);
    expect(Math.max(...gaps)).to.be.at.most(200);
    expect(places.length).to.be.within(195, 205);
  });

  it('gives a newcomer its share and no more', () => {
    const balancer = over(
      new RoundRobin(),
      many(200, (i) => 1 + (i % 2)),
    );
    picks(balancer, 1_234);
    const after = many(201, (i) => 1 + (i % 2));
    balancer.update(after);
    const total = after.reduce((sum, { weight }) => sum + weight, 0);
    expect(tally(picks(balancer, total).split(' '))['e200']).to.be.within(1, 2);
  });

  it('goes on with the deadlines of those that stay', () => {
    const schedule = new EarliestDeadline();
    const all = endpoints('a1 b1 c2');
    schedule.update(all);
    const first = [1, 2, 3].map(() => schedule.pick([])!.address);
    schedule.update(all);
    const rest = [schedule.pick([])!.address];
    expect(tally([...first, ...rest])).to.deep.equal({ a: 1, b: 1, c: 2 });
  });
});
