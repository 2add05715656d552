import { expect } from 'chai';
import { drainCrowd } from '../support/draining-crowd.ts';

const COUNT = 2_000;
const RATE = 200;

describe(`a drain of ${COUNT} WebSockets within 20 s, ${RATE} a second at most`, () => {
  for (const plane of ['frames', 'messages'] as const) {
    it(`closes them with 1001, spread, and loses no message (${plane})`, async function () {
      this.timeout(90_000);
      const drained = await drainCrowd({ count: COUNT, drain: { timeout: 20_000, rate: RATE }, talkMs: 500, plane });
      console.log(
        `      ${JSON.stringify({ ...drained, causes: [...drained.causes], reasons: [...drained.reasons] })}`,
      );
      expect(drained.codes[1001] ?? 0).to.be.at.least(0.999 * COUNT);
      expect(drained.codes[1006]).to.equal(undefined);
      expect(drained.busiestSecond).to.be.at.most(1.5 * RATE);
      expect(drained.spreadMs).to.be.above(10_000);
      expect(drained.received + drained.undelivered).to.equal(drained.sent);
      expect(drained.disordered).to.equal(0);
    });
  }
});
