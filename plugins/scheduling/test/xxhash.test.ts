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

// Points of the ring that Envoy's own test expects (`ring_hash_lb_test.cc`, "Basic").
const ENVOY: readonly [point: string, position: bigint][] = [
  ['127.0.0.1:94_1', 833437586790550860n],
  ['127.0.0.1:90_1', 1033482794131418490n],
  ['127.0.0.1:91_0', 5583722120771150861n],
  ['127.0.0.1:95_1', 13144177310400110813n],
  ['127.0.0.1:90_0', 16117243373044804889n],
];

describe('xxhash', () => {
  for (const [text, seed, hash] of VECTORS)
    it(`of "${text.slice(0, 20)}" with seed ${seed} is ${hash.toString(16)}`, () => {
      expect(xxhash(text, seed).toString(16)).to.equal(hash.toString(16));
    });

  it('puts the points of the ring where Envoy has them', () => {
    for (const [point, position] of ENVOY) expect(xxhash(point), point).to.equal(position);
  });
});
