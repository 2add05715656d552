import { expect } from 'chai';
import { xxhash } from '../src/xxhash.ts';

// What the reference implementation says of these texts, as its ports publish it (Go: github.com/cespare/xxhash and
// OneOfOne/xxhash): nothing, a tail alone, stripes of 32 bytes with a tail.
const VECTORS: readonly [text: string, seed: bigint, hash: bigint][] = [
  ['', 0n, 0xef46db3751d8e999n],
  ['a', 0n, 0xd24ec4f1a98c6e5bn],
  ['as', 0n, 0x1c330fb2d66be179n],
  ['asd', 0n, 0x631c37ce72a97393n],
  ['asdf', 0n, 0x415872f599cea71en],
  ['abc', 0n, 0x44bc2cf5ad770999n],
  ['Call me Ishmael. Some years ago--never mind how long precisely-', 0n, 0x02a2e85470d6fd96n],
  ['', 1n, 0xd5afba1336a3be4bn],
];

describe('xxhash', () => {
  for (const [text, seed, hash] of VECTORS)
    it(`of "${text.slice(0, 20)}" with seed ${seed} is ${hash.toString(16)}`, () => {
      expect(xxhash(text, seed).toString(16)).to.equal(hash.toString(16));
    });
});
