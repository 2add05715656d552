import { expect } from 'chai';
import { conflict } from '../src/address-conflict.ts';

// What Linux says to a second listen(), net.ipv6.bindv6only = 0, as Node calls it.
const table: readonly [one: string, other: string, refused: boolean][] = [
  ['127.0.0.1:80', '127.0.0.1:80', true],
  ['127.0.0.1:80', '127.0.0.1:81', false],
  ['127.0.0.1:80', '127.0.0.2:80', false],
  ['0.0.0.0:80', '127.0.0.1:80', true],
  ['[::]:80', '127.0.0.1:80', true],
  ['[::]:80', '0.0.0.0:80', true],
  ['[::]:80', '[::1]:80', true],
  ['0.0.0.0:80', '[::1]:80', false],
  ['127.0.0.1:80', '[::1]:80', false],
  [':80', '127.0.0.1:80', true],
  ['*:80', '0.0.0.0:80', true],
  ['*:80', '[::1]:80', true],
  ['*:80', 'example.com:80', true],
  ['[::ffff:127.0.0.1]:80', '127.0.0.1:80', true],
  ['[::ffff:127.0.0.1]:80', '0.0.0.0:80', true],
  ['[0:0:0:0:0:0:0:1]:80', '[::1]:80', true],
  ['localhost:80', '127.0.0.1:80', true],
  ['localhost:80', '[::1]:80', false],
  ['example.com:80', 'EXAMPLE.com:80', true],
  ['example.com:80', '127.0.0.1:80', false],
  ['*:0', '*:0', false],
  ['unix:/a', 'unix:/a', true],
  ['unix:/a', 'unix:/b', false],
  ['unix:/a', '*:80', false],
  ['no address', 'no address', false],
];

describe('two addresses', () => {
  for (const [one, other, refused] of table)
    it(`${one} and ${other} ${refused ? 'exclude each other' : 'go together'}`, () => {
      expect([conflict(one, other), conflict(other, one)]).to.deep.equal([refused, refused]);
    });
});
