import { expect } from 'chai';
import { marks } from '../bench/src/marks.ts';
import type { Result, Spread } from '../bench/src/measure.ts';

const same = (value: number): Spread => ({ median: value, low: value, high: value });

const result = (subject: string, workload: string, more: Partial<Result>): Result => ({
  subject,
  workload,
  unit: 'request',
  cost: same(20),
  ratio: undefined,
  perSecond: same(1),
  p50: same(0),
  p50Beyond: undefined,
  p99: same(0),
  failures: 0,
  ...more,
});

const told = (...results: Result[]) =>
  marks({
    at: '',
    machine: '',
    versions: {},
    reference: 'HAProxy',
    rounds: 1,
    seconds: 1,
    missing: [],
    results,
  });

describe('the marks that a benchmark tells of', () => {
  it('are reached up to their very value', () => {
    const get = (ratio: number) => told(result('outrigger', 'GET 128 B', { ratio: same(ratio) }));
    expect(get(1)).to.equal('GET 128 B: 1.00 × HAProxy; stretch 1, floor 1.15: stretch reached');
    expect(get(1.15)).to.match(/floor reached$/);
    expect(get(1.16)).to.match(/MISSED$/);
  });

  it('of a peer say how much cheaper a GET is, and what the reference itself comes to', () => {
    const [ours, theirs] = [same(1.1), same(5.5)].map((ratio, i) =>
      result(i === 0 ? 'outrigger' : 'node:http + undici', 'GET 128 B', { ratio }),
    );
    expect(told(ours!, theirs!)).to.match(/5\.0 times cheaper than through node:http \+ undici; mark 5: reached$/);
    expect(told({ ...ours!, ratio: same(2) }, theirs!)).to.match(/MISSED, HAProxy's is 5\.5 times cheaper$/);
  });

  describe('of what is added to the median latency', () => {
    const open = (p50Beyond: Spread, direct = true) => {
      const loop = 'open loop 8,000/s';
      return told(
        result('outrigger', loop, { p50: same(174), p50Beyond }),
        result('HAProxy', loop, { p50: same(172) }),
        ...(direct ? [result('no proxy', loop, { p50: same(90) })] : []),
      );
    };

    it('go by what was seen within a round', () => {
      expect(open({ median: -1, low: -4, high: 3 })).to.equal(
        'open loop 8,000/s: adds 84 µs to p50, HAProxy 82; −1 µs beyond it in the same round (−4 µs to +3 µs): reached',
      );
      expect(open({ median: 3, low: 1, high: 7 })).to.match(/\+3 µs beyond .* \(\+1 µs to \+7 µs\): MISSED$/);
    });

    it('do not tell more than the run can', () => {
      expect(open({ median: 1, low: -4, high: 5 })).to.match(/: even, as far as this run can tell$/);
    });

    it('are not told where nothing was measured without a proxy', () => {
      expect(open(same(0), false)).to.equal('');
    });
  });
});
