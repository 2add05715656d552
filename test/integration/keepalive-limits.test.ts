import { expect } from 'chai';
import { frame } from '../support/frames.ts';
import { eventually, passUntil, TICKS } from '../support/virtual-time.ts';
import { READING_PLANES, SIDES, WebSocketPair } from '../support/websocket-pair.ts';

const OFF = Number.POSITIVE_INFINITY;

for (const [plane, hooks] of READING_PLANES) {
  describe(`keepalive of WebSockets, on the plane of ${plane}`, () => {
    let pair: WebSocketPair;
    beforeEach(() => {
      pair = new WebSocketPair();
    });
    afterEach(() => pair.close());

    it('closes with 1001 what carries no message for idleTimeout: pings are none, and a message begins it anew', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: 10_000, timeout: 5_000 }, idleTimeout: 60_000 } });
      const answer = pair.answering();
      let spoken = false;
      await passUntil(
        pair.clock,
        () => pair.closesAt('downstream').length > 0,
        () => {
          answer();
          if (spoken || pair.clock.now() < 50_000) return;
          spoken = true;
          pair.send('downstream', frame(1, 'still here', { masked: true }));
        },
      );
      expect(pair.clock.now()).to.be.within(110_000, 116_000 + TICKS);
      for (const side of SIDES) {
        await eventually(() => pair.closesAt(side).length > 0);
        expect(pair.closesAt(side)).to.deep.equal([[1001, 'idle-timeout']]);
        pair.send(side, frame(8, Buffer.from([3, 233]), { masked: side === 'downstream' }));
      }
      await eventually(() => pair.books.outcomes.length > 0);
      expect(pair.books.outcomes[0]).to.include({ cause: 'idle-timeout', initiator: 'sidecar' });
    });

    it('knows when the last message came where no ping comes between', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: OFF, timeout: 5_000 }, idleTimeout: 60_000 } });
      await passUntil(pair.clock, () => pair.clock.now() >= 13_000);
      pair.send('downstream', frame(1, 'last', { masked: true }));
      await passUntil(pair.clock, () => pair.closesAt('downstream').length > 0);
      expect(pair.clock.now()).to.be.within(73_000, 73_000 + TICKS);
      for (const side of SIDES) pair.send(side, frame(8, Buffer.from([3, 233]), { masked: side === 'downstream' }));
      await eventually(() => pair.books.outcomes.length > 0);
    });

    it('closes with 1001 what has reached maxAge, up to a tenth earlier, whatever it carries', async () => {
      await pair.open(hooks, { keepalive: {}, route: { keepalive: { maxAge: 30_000 } } });
      await passUntil(
        pair.clock,
        () => pair.closesAt('downstream').length > 0,
        () => pair.send('downstream', frame(1, 'x', { masked: true })),
      );
      expect(pair.clock.now()).to.be.within(27_000, 30_000 + TICKS);
      expect(pair.closesAt('downstream')).to.deep.equal([[1001, 'max-age']]);
      await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
      expect(pair.books.outcomes[0]).to.include({ cause: 'max-age', initiator: 'sidecar' });
    });

    it('closes with 1008 within a second of expiresAt, unless a message has renewed it', async () => {
      let renewed = false;
      const renew = plane === 'messages';
      await pair.open({
        onUpgrade: (session) => {
          session.expiresAt = pair.clock.wallTime() + 10_000;
        },
        ...(renew && {
          onMessage: (session) => {
            renewed = true;
            session.expiresAt = pair.clock.wallTime() + 10_000;
            return undefined;
          },
        }),
      });
      await passUntil(
        pair.clock,
        () => pair.closesAt('downstream').length > 0,
        () => {
          if (!renew || renewed || pair.clock.now() < 9_000) return;
          pair.send('downstream', frame(1, 'my new token', { masked: true }));
        },
      );
      const due = renew ? 19_000 : 10_000;
      expect(pair.clock.now()).to.be.within(due, due + 1_000);
      for (const side of SIDES) expect(pair.closesAt(side)).to.deep.equal([[1008, 'expired']]);
      await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
      expect(pair.books.causes).to.deep.equal(['expired']);
    });
  });
}

describe('keepalive', () => {
  it('takes a tunnel for idle by its bytes, and cuts it', async () => {
    const pair = new WebSocketPair();
    await pair.open({}, { keepalive: { idleTimeout: 10_000 }, listener: { websocket: { plane: 'bytes' } } });
    let last = 0;
    await passUntil(
      pair.clock,
      () => pair.books.outcomes.length > 0,
      () => {
        if (pair.clock.now() > 40_000 || pair.clock.now() - last < 5_000) return;
        last = pair.clock.now();
        pair.send('downstream', Buffer.from('x'));
      },
    );
    expect(pair.clock.now()).to.be.within(last + 10_000, last + 12_000 + TICKS);
    expect(last).to.be.above(35_000);
    expect(pair.books.causes).to.deep.equal(['idle-timeout']);
    expect(pair.at('upstream').every((byte) => byte === 'x'.charCodeAt(0))).to.equal(true);
    await pair.close();
  });
});
