import { BalancerFactory, definePlugin, type Endpoint, type Sample, type Side, WheelClock } from '@outrigger/core';
import { expect } from 'chai';
import { countingMetrics } from '../support/counting-metrics.ts';
import { frame, framesOfSoFar, messagesOf } from '../support/frames.ts';
import { eventually, passUntil, TICKS, turns } from '../support/virtual-time.ts';
import { otherSide, READING_PLANES, SIDES, WebSocketPair } from '../support/websocket-pair.ts';

const OFF = Number.POSITIVE_INFINITY;

for (const [plane, hooks] of READING_PLANES) {
  describe(`keepalive of WebSockets, on the plane of ${plane}`, () => {
    let pair: WebSocketPair;
    beforeEach(() => {
      pair = new WebSocketPair();
    });
    afterEach(() => pair.close());

    for (const timeout of [5_000, 60_000])
      it(`pings either side after the interval of silence, a little earlier, and tells nobody else of it (timeout ${timeout})`, async () => {
        await pair.open(hooks, { keepalive: { websocket: { interval: 20_000, timeout } } });
        const answer = pair.answering();
        const at: Record<Side, number[]> = { downstream: [], upstream: [] };
        await passUntil(
          pair.clock,
          () => pair.clock.now() >= 100_000,
          () => {
            for (const side of SIDES) if (pair.pingsAt(side).length > at[side].length) at[side].push(pair.clock.now());
            answer();
          },
        );
        for (const side of SIDES) {
          expect(at[side].length).to.be.within(4, 6);
          let before = 0;
          for (const time of at[side]) {
            expect(time - before).to.be.within(17_000, 20_000 + TICKS);
            before = time;
          }
          const frames = framesOfSoFar(pair.at(side));
          expect(frames.every(({ opcode }) => opcode === 9)).to.equal(true);
        }
        expect(pair.pongs.length).to.be.at.least(8);
        expect(pair.upstream.received).to.include('\r\n\r\n');
      });

    it('does not ping a side from which bytes come', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: 10_000, timeout: 5_000 } } });
      const answer = pair.answering();
      let last = 0;
      await passUntil(
        pair.clock,
        () => pair.clock.now() >= 60_000,
        () => {
          answer();
          if (pair.clock.now() - last < 5_000) return;
          last = pair.clock.now();
          pair.send('upstream', frame(1, 'tick'));
        },
      );
      expect(pair.pingsAt('upstream')).to.have.length(0);
      // The client hears all that, and says nothing.
      expect(pair.pingsAt('downstream').length).to.be.above(3);
      expect(messagesOf(framesOfSoFar(pair.at('downstream'))).length).to.equal(11);
    });

    for (const dead of SIDES) {
      it(`gives up ${dead} when its pong does not come within interval and timeout, and closes the other side`, async () => {
        await pair.open(hooks, { keepalive: { websocket: { interval: 20_000, timeout: 5_000 } } });
        const answer = pair.answering(dead);
        const live = otherSide(dead);
        let cutAt = 0;
        await passUntil(
          pair.clock,
          () => pair.books.outcomes.length > 0,
          () => {
            answer();
            if (pair.closesAt(live).length === 0 || cutAt > 0) return;
            cutAt = pair.clock.now();
            pair.send(live, frame(8, Buffer.from([3, 233]), { masked: live === 'downstream' }));
          },
        );
        expect(cutAt).to.be.within(22_000, 25_000 + TICKS);
        expect(pair.closesAt(live)).to.deep.equal([[dead === 'upstream' ? 1011 : 1001, `${dead}-pong-timeout`]]);
        expect(pair.books.outcomes[0]).to.include({ cause: `${dead}-pong-timeout`, initiator: dead });
        const sent = dead === 'upstream' ? { closeCodeSent: 1011 } : { upstreamCloseCodeSent: 1001 };
        expect(pair.books.outcomes[0]).to.include(sent);
      });
    }

    it('takes any byte for a sign of life, and still finds out who sends nothing more', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: 10_000, timeout: 5_000 } } });
      const answer = pair.answering('upstream');
      let told = 0;
      await passUntil(
        pair.clock,
        () => pair.books.outcomes.length > 0 || pair.clock.now() > 120_000,
        () => {
          answer();
          // It answers no ping, but speaks every 11 s, twice.
          if (told < 2 && pair.clock.now() >= (told + 1) * 11_000) {
            told++;
            pair.send('upstream', frame(1, 'here'));
          }
          if (pair.closesAt('downstream').length > 0)
            pair.send('downstream', frame(8, Buffer.from([3, 233]), { masked: true }));
        },
      );
      expect(pair.clock.now()).to.be.within(22_000 + 13_500, 22_000 + 15_000 + 2 * TICKS);
      expect(pair.books.causes).to.deep.equal(['upstream-pong-timeout']);
    });

    it('does not count the time in which no ping can go out, because a frame of the other side is under way', async () => {
      const upstreamOff = { cluster: { keepalive: { interval: OFF } } };
      await pair.open(hooks, { keepalive: { websocket: { interval: 10_000, timeout: 5_000 } }, ...upstreamOff });
      const message = frame(1, 'half');
      pair.send('upstream', message.subarray(0, 4));
      await turns();
      // On the plane of messages nothing is under way towards the client before a message is whole.
      const frames = plane === 'frames';
      await passUntil(pair.clock, () => pair.clock.now() >= 60_000 || pair.books.outcomes.length > 0);
      expect(pair.books.causes).to.deep.equal(frames ? [] : ['downstream-pong-timeout']);
      if (!frames) return;
      pair.send('upstream', message.subarray(4));
      await eventually(() => pair.pingsAt('downstream').length === 1);
      const took = await passUntil(pair.clock, () => pair.closesAt('upstream').length > 0);
      expect(took).to.be.within(4_900, 5_000 + 5_000 + TICKS);
      await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
      expect(pair.books.causes).to.deep.equal(['downstream-pong-timeout']);
    });

    it('does nothing where it is off', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: OFF, timeout: 5_000 } } });
      await passUntil(pair.clock, () => pair.clock.now() >= 60_000);
      expect([...pair.pingsAt('downstream'), ...pair.pingsAt('upstream')]).to.have.length(0);
      expect(pair.sidecar.runtime.sessions.size).to.equal(1);
    });
  });
}

describe('keepalive', () => {
  it('tells metrics, the balancer and the admin address of each round trip', async () => {
    const pings: [string, number][] = [];
    const plugin = definePlugin({
      name: 'listening',
      bind: (bind) =>
        void bind(BalancerFactory).toConstantValue({
          policy: 'listening',
          create: () => {
            let all: readonly Endpoint[] = [];
            return {
              update: (endpoints: readonly Endpoint[]) => {
                all = endpoints;
              },
              pick: () => all[0],
              observe: ({ address }: Endpoint, { kind, ms }: Sample) => {
                if (kind === 'ping') pings.push([address, ms]);
              },
            };
          },
        }),
    });
    const pair = new WebSocketPair();
    const counted: string[] = [];
    const plugins = [plugin, countingMetrics(counted)];
    await pair.open({}, { keepalive: {}, plugins, balancer: 'listening' });
    const details = () =>
      pair.sidecar.runtime.adminDetails
        .map((one) => one.session?.(pair.session))
        .filter((detail) => detail !== undefined);
    expect(details()).to.deep.equal([{ pingMs: { downstream: null, upstream: null } }]);
    await passUntil(pair.clock, () => SIDES.every((side) => pair.pingsAt(side).length > 0));
    pair.clock.advance(100);
    for (const side of SIDES)
      pair.send(side, frame(10, pair.pingsAt(side)[0]!.payload, { masked: side === 'downstream' }));
    await eventually(() => pair.pongs.length === 2);
    expect(pings).to.have.length(1);
    const [[address, ms]] = pings as [[string, number]];
    expect(address).to.equal(pair.upstream.address);
    expect(ms).to.be.within(100, 4_000);
    for (const side of SIDES)
      expect(counted.filter((one) => one === `outrigger_websocket_ping_duration_seconds ${side}`)).to.have.length(1);
    const [{ pingMs }] = details() as [{ pingMs: Record<Side, number> }];
    expect(pingMs.upstream).to.equal(ms);
    expect(pingMs.downstream).to.be.within(100, 4_000);
    await pair.close();
  });

  it('believes peers whose answers lie unread where the process has stood still', async () => {
    const pair = new WebSocketPair(new WheelClock(() => {}));
    const section = { keepalive: { interval: 200, timeout: 300 } };
    await pair.open({}, { keepalive: {}, listener: section, cluster: section });
    const answered = { downstream: 0, upstream: 0 };
    for (const blocked of [true, true, false]) {
      for (const side of SIDES) await eventually(() => pair.pingsAt(side).length > answered[side]);
      for (const side of SIDES) {
        const pings = pair.pingsAt(side);
        answered[side] = pings.length;
        pair.send(side, frame(10, pings.at(-1)!.payload, { masked: side === 'downstream' }));
      }
      const until = performance.now() + 1_500;
      while (blocked && performance.now() < until);
    }
    for (const side of SIDES) await eventually(() => pair.pingsAt(side).length > answered[side]);
    expect(pair.books.outcomes).to.deep.equal([]);
    // And one that is really dead is found all the same.
    await pair.sidecar.runtime.sessions.none();
    expect(pair.books.causes[0]).to.match(/-pong-timeout$/);
    await pair.close();
  });

  it('holds no timer for a WebSocket that has ended', async () => {
    const pair = new WebSocketPair();
    await pair.open({}, { keepalive: {} });
    const held: unknown[] = [];
    const { arm } = pair.clock;
    pair.client.destroy();
    await eventually(() => pair.books.outcomes.length > 0);
    pair.clock.arm = (timer, ms) => {
      held.push(timer);
      arm.call(pair.clock, timer, ms);
    };
    pair.clock.advance(120_000);
    await turns();
    expect(held).to.deep.equal([]);
    await pair.close();
  });
});
