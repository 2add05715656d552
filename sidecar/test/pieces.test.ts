import { atOnce } from '@outrigger/core';
import { expect } from 'chai';
import { putTogether, takeApart } from '../src/pieces.ts';

/** As between two threads. */
const carried = (data: unknown) => {
  const pieces = [...takeApart(data)].map((piece) => structuredClone(piece));
  return { pieces, data: atOnce(putTogether(pieces)) };
};

describe('data in pieces', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ i, list: [i, [i]], none: {} }));

  for (const [what, data] of [
    ['a scalar', 7],
    ['nothing', undefined],
    ['infinity and a pattern', { off: Number.POSITIVE_INFINITY, pattern: /x/u }],
    ['empty lists and maps', { list: [], map: {}, deep: [[], {}] }],
    ['a list of many', { routes: many(1_001), behind: 'x' }],
    ['a map of many', Object.fromEntries(many(1_001).map((one) => [`name ${one.i}`, one]))],
    ['many within many', [many(300), { deep: many(301).map((one) => ({ ...one, deeper: many(201) })) }]],
  ] as const) {
    it(`come together again: ${what}`, () => {
      const { data: read } = carried(data);
      expect(read).to.deep.equal(data);
      expect(Object.isFrozen(read)).to.equal(true);
    });
  }

  it('are small, however much it is', () => {
    const { pieces } = carried({ routes: many(10_000) });
    expect(pieces.length).to.be.within(50, 60);
    for (const piece of pieces) expect(piece.entries.length).to.be.at.most(200);
  });

  it('are frozen to the last one', () => {
    const { data } = carried({ routes: many(500) });
    const [first] = (data as { routes: { list: [number, number[]]; none: object }[] }).routes;
    for (const part of [first, first!.list, first!.list[1], first!.none]) expect(Object.isFrozen(part)).to.equal(true);
  });
});
