import type { Endpoint, Session } from '@outrigger/core';
import { expect } from 'chai';
import { RoundRobin } from '../src/round-robin.ts';

const session = {} as Session;
const endpoint = (address: string, weight = 1): Endpoint => ({
  address,
  weight,
  metadata: {},
  requests: 0,
  streams: 0,
});

/** `a5 b c` → endpoints with their weights. */
const endpoints = (text: string): Endpoint[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => endpoint(word[0]!, Number(word.slice(1) || 1)));

const picks = (balancer: RoundRobin, count: number, tried: readonly Endpoint[] = []): string =>
  Array.from({ length: count }, () => balancer.pick(session, tried)?.address ?? '-').join(' ');

function over(list: string): RoundRobin {
  const balancer = new RoundRobin();
  balancer.update(endpoints(list));
  return balancer;
}

describe('round-robin', () => {
  const table: readonly [list: string, expected: string][] = [
    ['', '- -'],
    ['a', 'a a a'],
    ['a b', 'a b a b'],
    ['a b c', 'a b c a b c'],
    ['a3 b3 c3', 'a b c a b c'],
    ['a5 b1 c1', 'a a b a c a a a a b a c a a'],
    ['a1 b2', 'b a b b a b'],
    ['a4 b2', 'a b a a b a'],
    ['a2 b3 c5', 'c b a c b c c a b c'],
  ];
  for (const [list, expected] of table)
    it(`goes ${expected} over "${list}"`, () => {
      expect(picks(over(list), expected.split(' ').length)).to.equal(expected);
    });

  for (const list of ['a b c', 'a5 b1 c1']) {
    it(`leaves out who was tried, over ${list}`, () => {
      const all = endpoints(list);
      expect(picks(over(list), 6, [all[0]!])).to.equal('b c b c b c');
      expect(picks(over(list), 3, [all[0]!, all[2]!])).to.equal('b b b');
    });

    it(`has nobody left when all were tried, over ${list}`, () => {
      expect(over(list).pick(session, endpoints(list))).to.equal(undefined);
    });
  }

  it('knows a tried endpoint by its address after the list was made anew', () => {
    const balancer = over('a b');
    expect(picks(balancer, 2, [endpoint('a')])).to.equal('b b');
  });

  const changes: readonly [name: string, before: string, picked: number, after: string, expected: string][] = [
    ['goes on with the turn when nothing changed', 'a b c', 1, 'a b c', 'b c a b c a'],
    ['goes on with the turn when a newcomer is put first', 'a b c', 1, 'd a b c', 'b c d a b c'],
    ['goes on with the turn when a newcomer is put last', 'a b c', 2, 'a b c d', 'c d a b c d'],
    ['goes on with the turn when the one that was next leaves', 'a b c', 1, 'a c', 'c a c a'],
    ['does not begin with the first one again when the last leaves', 'a b c', 1, 'a b', 'b a b a'],
    ['goes on with its round when nothing changed', 'a5 b1 c1', 3, 'a5 b1 c1', 'a c a a a a b'],
    ['starts weighing from the turn', 'a b', 1, 'a1 b2', 'b b a b'],
    ['begins anew after there was nobody', '', 1, 'a b', 'a b a b'],
  ];
  for (const [name, before, picked, after, expected] of changes)
    it(name, () => {
      const balancer = over(before);
      picks(balancer, picked);
      balancer.update(endpoints(after));
      expect(picks(balancer, expected.split(' ').length)).to.equal(expected);
    });

  for (const [before, after] of [
    ['a b c', 'a b c n'],
    ['a5 b1 c1', 'a5 b1 c1 n1'],
    ['a200 b1 c1', 'b1 c1 n1'],
    ['a256 b1 c1', 'a1 b1 c1 n2'],
    ['a8 b7 c6', 'a1 b1 c6 n9'],
  ] as const)
    it(`gives a newcomer its share and no more when ${before} becomes ${after}`, () => {
      const total = endpoints(after).reduce((sum, e) => sum + e.weight, 0);
      const share = endpoints(after).at(-1)!.weight;
      for (let picked = 0; picked < 20; picked++) {
        const balancer = over(before);
        picks(balancer, picked);
        balancer.update(endpoints(after));
        const got = picks(balancer, total).split('n').length - 1;
        expect(got, `after ${picked} picks`).to.be.within(share - 1, share + 1);
      }
    });

  it('keeps the shares exact over rounds of any weights', () => {
    const balancer = over('a17 b3 c256 d1');
    const counts = new Map<string, number>();
    for (let i = 0; i < 277 * 3; i++) {
      const { address } = balancer.pick(session, [])!;
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    expect([...counts].sort()).to.deep.equal([
      ['a', 51],
      ['b', 9],
      ['c', 768],
      ['d', 3],
    ]);
  });
});
