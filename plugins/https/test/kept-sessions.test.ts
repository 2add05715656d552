import { expect } from 'chai';
import { KeptSessions } from '../src/kept-sessions.ts';

const DAY_MS = 24 * 3_600_000;

describe('sessions kept for endpoints', () => {
  const session = (text: string) => Buffer.from(text);

  it('are the last ones that each gave', () => {
    const kept = new KeptSessions();
    kept.keep('a', session('1'), 0);
    kept.keep('a', session('2'), 5);
    expect(String(kept.of('a', 10))).to.equal('2');
    expect(kept.size).to.equal(1);
    kept.drop('a');
    expect(kept.of('a', 10)).to.equal(undefined);
  });

  it('are used for a day', () => {
    const kept = new KeptSessions();
    kept.keep('a', session('1'), 0);
    expect(kept.of('a', DAY_MS - 1)).not.to.equal(undefined);
    expect(kept.of('a', DAY_MS)).to.equal(undefined);
  });

  it('go with their endpoints, and with their day', () => {
    const kept = new KeptSessions();
    kept.keep('old', session('1'), 0);
    kept.keep('gone', session('2'), 5);
    kept.keep('here', session('3'), 5);
    kept.prune(new Set(['old', 'here']), DAY_MS);
    expect(kept.size).to.equal(1);
    expect(String(kept.of('here', DAY_MS))).to.equal('3');
  });

  it('are a thousand at most, those that were renewed last', () => {
    const kept = new KeptSessions();
    for (let i = 0; i < 1_000; i++) kept.keep(`${i}`, session('x'), i);
    kept.keep('0', session('again'), 1_000);
    kept.keep('new', session('x'), 1_001);
    expect(kept.size).to.equal(1_000);
    expect([kept.of('0', 1_001), kept.of('1', 1_001)].map((one) => one !== undefined)).to.deep.equal([true, false]);
  });
});
