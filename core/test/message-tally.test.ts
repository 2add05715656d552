import { expect } from 'chai';
import { MESSAGE_SIZE_BOUNDS, MessageTally, messageSizeBucket } from '../src/message-tally.ts';

describe('a tally of messages', () => {
  it('has each size in the first bucket whose bound it does not exceed', () => {
    const sizes = [0, 1, 2 ** 32, 2 ** 31, ...MESSAGE_SIZE_BOUNDS.flatMap((bound) => [bound - 1, bound, bound + 1])];
    for (const size of sizes) {
      const first = MESSAGE_SIZE_BOUNDS.findIndex((bound) => size <= bound);
      expect(messageSizeBucket(size), `${size}`).to.equal(first === -1 ? MESSAGE_SIZE_BOUNDS.length : first);
    }
  });

  it('keeps sides and opcodes apart, and counts beyond 32 bits', () => {
    const tally = new MessageTally();
    tally.count('downstream', 1, 10);
    tally.count('downstream', 2, 300);
    for (let i = 0; i < 3; i++) tally.count('upstream', 1, 2 ** 31);
    expect([...tally.sizes('downstream', 1)]).to.deep.equal([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...tally.sizes('downstream', 2)]).to.deep.equal([0, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect([...tally.sizes('upstream', 1)]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0, 3]);
    expect([tally.bytes('downstream', 2), tally.bytes('upstream', 1)]).to.deep.equal([300, 3 * 2 ** 31]);
  });
});
