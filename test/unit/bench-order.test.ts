import { expect } from 'chai';
import { shuffled } from '../bench/src/measure.ts';

const ROUNDS = 50;

describe('the order in which a benchmark loads its subjects', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm'];

  it('has each of them once in a round, and is the same in every run', () => {
    for (let round = 0; round < ROUNDS; round++) {
      expect(shuffled(names, round).toSorted()).to.deep.equal(names);
      expect(shuffled(names, round)).to.deep.equal(shuffled(names, round));
    }
    expect(names).to.have.length(13);
    expect(shuffled([], 0)).to.deep.equal([]);
  });

  it('puts nobody behind the same one in more than a few rounds, nor at the same place', () => {
    const times = new Map<string, number>();
    const count = (what: string) => times.set(what, (times.get(what) ?? 0) + 1);
    for (let round = 0; round < ROUNDS; round++)
      shuffled(names, round).forEach((name, place, order) => {
        count(`${name} at ${place}`);
        if (place > 0) count(`${name} behind ${order[place - 1]}`);
      });
    // By chance some 4 of 50.
    expect(Math.max(...times.values())).to.be.at.most(13);
  });
});
