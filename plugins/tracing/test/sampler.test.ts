import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { newTraceId } from '../src/ids.ts';
import { always, atLeast, parentBased, ratioBased } from '../src/sampler.ts';

const never = () => false;

describe('ratioBased', () => {
  it('decides by the right-most 56 bits, the high values being sampled', () => {
    const quarter = ratioBased(0.25);
    const low = `${'f'.repeat(18)}bfffffffffffff`;
    const high = `${'0'.repeat(18)}c0000000000000`;
    expect([low, high].map((id) => quarter(id))).to.deep.equal([false, true]);
  });

  for (const [ratio, least, most] of [
    [0, 0, 0],
    [0.01, 120, 290],
    [0.5, 9600, 10_400],
    [1, 20_000, 20_000],
  ] as const) {
    it(`samples ${ratio} of the traces`, () => {
      const sample = ratioBased(ratio);
      let sampled = 0;
      for (let i = 0; i < 20_000; i++) if (sample(newTraceId())) sampled++;
      expect(sampled).to.be.within(least, most);
    });
  }

  it('samples with a higher ratio whatever a lower one samples', () => {
    const [some, more] = [ratioBased(0.1), ratioBased(0.3)];
    for (let i = 0; i < 1000; i++) {
      const id = newTraceId();
      if (some(id)) expect(more(id)).to.equal(true);
    }
  });
});

describe('parentBased and always', () => {
  const table = [
    ['parentBased', parentBased(never), { root: false, sampled: true, unsampled: false }],
    ['parentBased', parentBased(() => true), { root: true, sampled: true, unsampled: false }],
    ['always', always(never), { root: false, sampled: false, unsampled: false }],
    ['always', always(() => true), { root: true, sampled: true, unsampled: true }],
  ] as const;
  for (const [name, sampler, expected] of table) {
    it(`${name}: ${JSON.stringify(expected)}`, () => {
      expect({
        root: sampler.root('a'),
        sampled: sampler.child('a', true),
        unsampled: sampler.child('a', false),
      }).to.deep.equal(expected);
    });
  }
});

describe('atLeast', () => {
  /** How many of `count` traces are sampled that begin now. */
  const burst = (sample: (id: string) => boolean, count: number) => {
    let sampled = 0;
    for (let i = 0; i < count; i++) if (sample('a')) sampled++;
    return sampled;
  };

  const table: readonly [rate: number, steps: readonly [advance: number, begun: number, sampled: number][]][] = [
    [
      1,
      [
        [0, 5, 1],
        [500, 5, 0],
        [500, 5, 1],
        [10_000, 5, 1],
      ],
    ],
    [
      3,
      [
        [0, 10, 3],
        [500, 10, 1],
        [500, 10, 2],
        [60_000, 2, 2],
      ],
    ],
    [
      1 / 4,
      [
        [0, 3, 1],
        [3000, 3, 0],
        [1000, 3, 1],
      ],
    ],
    [0, [[1000, 5, 0]]],
  ];
  for (const [rate, steps] of table) {
    it(`${rate.toFixed(2)} per second: ${steps.map(([ms, begun, sampled]) => `after ${ms} ms ${sampled} of ${begun}`).join(', ')}`, () => {
      const clock = new VirtualClock();
      const sample = atLeast(rate, never, clock);
      for (const [ms, begun, sampled] of steps) {
        clock.advance(ms);
        expect(burst(sample, begun)).to.equal(sampled);
      }
    });
  }

  it('adds nothing where the ratio brings enough', () => {
    const clock = new VirtualClock();
    let asked = 0;
    const sample = atLeast(1, () => asked++ % 10 === 0, clock);
    clock.advance(1000);
    burst(sample, 10);
    let sampled = 0;
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 10; i++) {
        clock.advance(100);
        sampled += burst(sample, 10);
      }
    }
    // A tenth of 1,000, and at most one for the time before the first.
    expect(sampled).to.be.within(100, 101);
  });
});
