import { randomTexts } from '@outrigger/core';
import { expect } from 'chai';

describe('randomTexts', () => {
  it('keeps what is no pair of hashes, and makes each pair two digits', () => {
    const next = randomTexts('id: ####-###\r\n');
    for (let i = 0; i < 250; i++) expect(next()).to.match(/^id: [0-9a-f]{4}-[0-9a-f]{2}#\r\n$/);
  });

  it('never repeats itself, from one source or from another', () => {
    const form = '#'.repeat(32);
    const [one, other] = [randomTexts(form), randomTexts(form)];
    const seen = new Set<string>();
    for (let i = 0; i < 5_000; i++) seen.add(one()).add(other());
    expect(seen.size).to.equal(10_000);
  });

  it('uses all digits equally in every place', () => {
    const next = randomTexts('########');
    const counts = Array.from({ length: 8 }, () => new Array<number>(16).fill(0));
    const texts = 32_000;
    for (let i = 0; i < texts; i++)
      for (const [at, digit] of [...next()].entries()) counts[at]![Number.parseInt(digit, 16)]!++;
    // 2,000 of each; the standard deviation is 43, and 128 counts miss by 7 of them once in some billions of runs.
    for (const place of counts) for (const count of place) expect(count).to.be.within(1_700, 2_300);
  });
});
