import { once } from 'node:events';
import { Socket } from 'node:net';
import {
  BalancerFactory,
  type ConnectionHooks,
  definePlugin,
  type Endpoint,
  type Sample,
  type Side,
  VirtualClock,
  WheelClock,
} from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { countingMetrics } from '../support/counting-metrics.ts';
import { frame, framesOfSoFar, HANDSHAKE, messagesOf } from '../support/frames.ts';
import { IdleCutter } from '../support/idle-cutter.ts';
import { RawClient } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually, passUntil, turns } from '../support/virtual-time.ts';
import { WebSocketPair } from '../support/websocket-pair.ts';

const SIDES = ['downstream', 'upstream'] as const;
const other = (side: Side): Side => (side === 'downstream' ? 'upstream' : 'downstream');
const OFF = Number.POSITIVE_INFINITY;
/** A timer hangs in the wheel for up to one tick longer, and for one more where it is armed between two. */
const TICKS = 200;

const pingsAt = (pair: WebSocketPair, side: Side) => framesOfSoFar(pair.at(side)).filter(({ opcode }) => opcode === 9);
const closesAt = (pair: WebSocketPair, side: Side) =>
  framesOfSoFar(pair.at(side))
    .filter(({ opcode }) => opcode === 8)
    .map(({ payload }) => [payload.readUInt16BE(0), payload.subarray(2).toString()]);

/** Both ends answer pings from now on, except who is silent. */
function answering(pair: WebSocketPair, silent?: Side): () => void {
  const answered = { downstream: 0, upstream: 0 };
  return () => {
    for (const side of SIDES) {
      const pings = pingsAt(pair, side);
      if (side === silent) continue;
      for (; answered[side] < pings.length; answered[side]++)
        pair.send(side, frame(10, pings[answered[side]]!.payload, { masked: side === 'downstream' }));
    }
  };
}

for (const plane of ['frames', 'messages'] as const) {
  const hooks: ConnectionHooks = plane === 'messages' ? { onMessage: () => undefined } : {};

  describe(`keepalive of WebSockets, on the plane of ${plane}`, () => {
    let pair: WebSocketPair;
    beforeEach(() => {
      pair = new WebSocketPair();
    });
    afterEach(() => pair.close());

    for (const timeout of [5_000, 60_000])
      it(`pings either side after the interval of silence, a little earlier, and tells nobody else of it (timeout ${timeout})`, async () => {
        await pair.open(hooks, { keepalive: { websocket: { interval: 20_000, timeout } } });
        const answer = answering(pair);
        const at: Record<Side, number[]> = { downstream: [], upstream: [] };
        await passUntil(
          pair.clock,
          () => pair.clock.now() >= 100_000,
          () => {
            for (const side of SIDES) if (pingsAt(pair, side).length > at[side].length) at[side].push(pair.clock.now());
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
      const answer = answering(pair);
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
      expect(pingsAt(pair, 'upstream')).to.have.length(0);
      // The client hears all that, and says nothing.
      expect(pingsAt(pair, 'downstream').length).to.be.above(3);
      expect(messagesOf(framesOfSoFar(pair.at('downstream'))).length).to.equal(11);
    });

    for (const dead of SIDES) {
      it(`gives up ${dead} when its pong does not come within interval and timeout, and closes the other side`, async () => {
        await pair.open(hooks, { keepalive: { websocket: { interval: 20_000, timeout: 5_000 } } });
        const answer = answering(pair, dead);
        const live = other(dead);
        let cutAt = 0;
        await passUntil(
          pair.clock,
          () => pair.books.outcomes.length > 0,
          () => {
            answer();
            if (closesAt(pair, live).length === 0 || cutAt > 0) return;
            cutAt = pair.clock.now();
            pair.send(live, frame(8, Buffer.from([3, 233]), { masked: live === 'downstream' }));
          },
        );
        expect(cutAt).to.be.within(22_000, 25_000 + TICKS);
        expect(closesAt(pair, live)).to.deep.equal([[dead === 'upstream' ? 1011 : 1001, `${dead}-pong-timeout`]]);
        expect(pair.books.outcomes[0]).to.include({ cause: `${dead}-pong-timeout`, initiator: dead });
        const sent = dead === 'upstream' ? { closeCodeSent: 1011 } : { upstreamCloseCodeSent: 1001 };
        expect(pair.books.outcomes[0]).to.include(sent);
      });
    }

    it('takes any byte for a sign of life, and still finds out who sends nothing more', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: 10_000, timeout: 5_000 } } });
      const answer = answering(pair, 'upstream');
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
          if (closesAt(pair, 'downstream').length > 0)
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
      await eventually(() => pingsAt(pair, 'downstream').length === 1);
      const took = await passUntil(pair.clock, () => closesAt(pair, 'upstream').length > 0);
      expect(took).to.be.within(4_900, 5_000 + 5_000 + TICKS);
      await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
      expect(pair.books.causes).to.deep.equal(['downstream-pong-timeout']);
    });

    it('does nothing where it is off', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: OFF, timeout: 5_000 } } });
      await passUntil(pair.clock, () => pair.clock.now() >= 60_000);
      expect([...pingsAt(pair, 'downstream'), ...pingsAt(pair, 'upstream')]).to.have.length(0);
      expect(pair.sidecar.runtime.sessions.size).to.equal(1);
    });

    it('closes with 1001 what carries no message for idleTimeout: pings are none, and a message begins it anew', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: 10_000, timeout: 5_000 }, idleTimeout: 60_000 } });
      const answer = answering(pair);
      let spoken = false;
      await passUntil(
        pair.clock,
        () => closesAt(pair, 'downstream').length > 0,
        () => {
          answer();
          if (spoken || pair.clock.now() < 50_000) return;
          spoken = true;
          pair.send('downstream', frame(1, 'still here', { masked: true }));
        },
      );
      expect(pair.clock.now()).to.be.within(110_000, 116_000 + TICKS);
      for (const side of SIDES) {
        await eventually(() => closesAt(pair, side).length > 0);
        expect(closesAt(pair, side)).to.deep.equal([[1001, 'idle-timeout']]);
        pair.send(side, frame(8, Buffer.from([3, 233]), { masked: side === 'downstream' }));
      }
      await eventually(() => pair.books.outcomes.length > 0);
      expect(pair.books.outcomes[0]).to.include({ cause: 'idle-timeout', initiator: 'sidecar' });
    });

    it('knows when the last message came where no ping comes between', async () => {
      await pair.open(hooks, { keepalive: { websocket: { interval: OFF, timeout: 5_000 }, idleTimeout: 60_000 } });
      await passUntil(pair.clock, () => pair.clock.now() >= 13_000);
      pair.send('downstream', frame(1, 'last', { masked: true }));
      await passUntil(pair.clock, () => closesAt(pair, 'downstream').length > 0);
      expect(pair.clock.now()).to.be.within(73_000, 73_000 + TICKS);
      for (const side of SIDES) pair.send(side, frame(8, Buffer.from([3, 233]), { masked: side === 'downstream' }));
      await eventually(() => pair.books.outcomes.length > 0);
    });

    it('closes with 1001 what has reached maxAge, up to a tenth earlier, whatever it carries', async () => {
      await pair.open(hooks, { keepalive: {}, route: { keepalive: { maxAge: 30_000 } } });
      await passUntil(
        pair.clock,
        () => closesAt(pair, 'downstream').length > 0,
        () => pair.send('downstream', frame(1, 'x', { masked: true })),
      );
      expect(pair.clock.now()).to.be.within(27_000, 30_000 + TICKS);
      expect(closesAt(pair, 'downstream')).to.deep.equal([[1001, 'max-age']]);
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
        () => closesAt(pair, 'downstream').length > 0,
        () => {
          if (!renew || renewed || pair.clock.now() < 9_000) return;
          pair.send('downstream', frame(1, 'my new token', { masked: true }));
        },
      );
      const due = renew ? 19_000 : 10_000;
      expect(pair.clock.now()).to.be.within(due, due + 1_000);
      for (const side of SIDES) expect(closesAt(pair, side)).to.deep.equal([[1008, 'expired']]);
      await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
      expect(pair.books.causes).to.deep.equal(['expired']);
    });
  });
}

describe('keepalive', () => {
  let sidecar: TestSidecar | undefined;
  const stops: (() => Promise<void>)[] = [];
  const kept = <T extends { stop(): Promise<void> }>(one: T): T => {
    stops.push(() => one.stop());
    return one;
  };
  afterEach(async () => {
    await sidecar?.stop();
    sidecar = undefined;
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  async function openWebSocket(port: number): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    socket.on('error', () => {});
    await once(socket, 'open');
    return socket;
  }

  for (const settings of ['as it is', 'as the section says'] as const) {
    it(`${settings} keeps a silent WebSocket for 10 minutes between two load balancers that cut what is idle for 60 s`, async () => {
      const clock = new VirtualClock();
      const upstream = kept(await webSocketUpstream(() => {}));
      const port = () => Number(upstream.address.split(':')[1]);
      const behind = kept(await IdleCutter.start(port, 60_000, clock));
      const section = { keepalive: { peerIdleTimeout: 60_000 } };
      const declared = settings === 'as it is' ? {} : { listener: section, cluster: section };
      sidecar = await startSidecar({
        endpoints: [behind.address],
        clock,
        keepalive: declared.listener === undefined ? {} : { websocket: { interval: 10 * 60_000, timeout: 10_000 } },
        ...declared,
      });
      const inFront = kept(await IdleCutter.start(() => sidecar!.port, 60_000, clock));
      const without = kept(await IdleCutter.start(port, 60_000, clock));
      const socket = await openWebSocket(inFront.port);
      const lost = await openWebSocket(without.port);
      await passUntil(clock, () => clock.now() >= 600_000, undefined, 700_000);
      await eventually(() => lost.readyState === WebSocket.CLOSED);
      expect([without.cuts, inFront.cuts, behind.cuts]).to.deep.equal([1, 0, 0]);
      expect(socket.readyState).to.equal(WebSocket.OPEN);
      socket.terminate();
    });
  }

  it('has half of what each leg declares for its interval, and timeouts of their own', async () => {
    const pair = new WebSocketPair();
    await pair.open(
      {},
      {
        keepalive: { websocket: { interval: OFF, timeout: 5_000 } },
        listener: { keepalive: { peerIdleTimeout: 60_000, timeout: 2_000 } },
        cluster: { keepalive: { peerIdleTimeout: 100_000, interval: 20_000 } },
      },
    );
    const first: Partial<Record<Side, number>> = {};
    const answer = answering(pair, 'downstream');
    await passUntil(
      pair.clock,
      () => closesAt(pair, 'upstream').length > 0,
      () => {
        answer();
        for (const side of SIDES) if (pingsAt(pair, side).length > 0) first[side] ??= pair.clock.now();
      },
    );
    expect(first.upstream).to.be.within(17_000, 20_000);
    expect(first.downstream).to.be.within(25_500, 30_000);
    expect(pair.clock.now() - first.downstream!).to.be.within(1_900, 2_000 + TICKS);
    await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
    await pair.close();
  });

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
    await passUntil(pair.clock, () => SIDES.every((side) => pingsAt(pair, side).length > 0));
    pair.clock.advance(100);
    for (const side of SIDES)
      pair.send(side, frame(10, pingsAt(pair, side)[0]!.payload, { masked: side === 'downstream' }));
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
      for (const side of SIDES) await eventually(() => pingsAt(pair, side).length > answered[side]);
      for (const side of SIDES) {
        const pings = pingsAt(pair, side);
        answered[side] = pings.length;
        pair.send(side, frame(10, pings.at(-1)!.payload, { masked: side === 'downstream' }));
      }
      const until = performance.now() + 1_500;
      while (blocked && performance.now() < until);
    }
    for (const side of SIDES) await eventually(() => pingsAt(pair, side).length > answered[side]);
    expect(pair.books.outcomes).to.deep.equal([]);
    // And one that is really dead is found all the same.
    await pair.sidecar.runtime.sessions.none();
    expect(pair.books.causes[0]).to.match(/-pong-timeout$/);
    await pair.close();
  });

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

  describe('of server-sent events', () => {
    const GET = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n';
    const body = (text: string) => {
      let rest = text.slice(text.indexOf('\r\n\r\n') + 4);
      let payload = '';
      for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
        const from = rest.indexOf('\r\n') + 2;
        payload += rest.slice(from, from + size);
        rest = rest.slice(from + size + 2);
      }
      return payload;
    };

    async function stream(headers: Record<string, string>, hooks: ConnectionHooks = {}) {
      const clock = new VirtualClock();
      let response!: Parameters<Parameters<typeof httpUpstream>[0]>[1];
      const upstream: Upstream = kept(
        await httpUpstream((_request, out) => {
          response = out;
          out.writeHead(200, headers);
          out.flushHeaders();
        }),
      );
      sidecar = await startSidecar({ endpoints: [upstream.address], clock, keepalive: {}, hooks });
      const client = await RawClient.connect(sidecar.port);
      client.send(GET);
      await client.until((text) => text.includes('\r\n\r\n'));
      return { clock, client, response };
    }

    it('puts a comment between two events of a stream that pauses, never into one', async () => {
      const { clock, client, response } = await stream({ 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
      await client.until((text) => body(text) === 'data: one\n\n');
      const paused = await passUntil(clock, () => body(client.received) !== 'data: one\n\n');
      expect(paused).to.be.within(21_000, 25_000 + TICKS);
      expect(body(client.received)).to.equal('data: one\n\n: keepalive\n\n');
      response.write('data: two\n');
      await client.until((text) => body(text).endsWith('two\n'));
      await passUntil(clock, () => clock.now() > 100_000);
      expect(body(client.received)).to.equal('data: one\n\n: keepalive\n\ndata: two\n');
      response.write('\r\n');
      await client.until((text) => body(text).endsWith('two\n\r\n'));
      await passUntil(clock, () => body(client.received).endsWith(': keepalive\n\n'));
      response.end('data: three\n\n');
      await client.until((text) => text.endsWith('0\r\n\r\n'));
      expect(body(client.received)).to.equal(
        'data: one\n\n: keepalive\n\ndata: two\n\r\n: keepalive\n\ndata: three\n\n',
      );
      client.destroy();
    });

    it('leaves encoded streams, other types and paused bodies with a length alone', async () => {
      for (const headers of [
        { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
        { 'content-type': 'text/plain' },
        { 'content-type': 'text/event-stream', 'content-length': '100' },
      ]) {
        const { clock, client } = await stream(headers);
        await passUntil(clock, () => clock.now() > 60_000);
        expect(client.received.slice(client.received.indexOf('\r\n\r\n') + 4)).to.equal('');
        client.destroy();
        await sidecar!.stop();
      }
    });

    it('works behind a transform, whose output is what the client sees', async () => {
      const { clock, client, response } = await stream(
        { 'content-type': 'text/event-stream; charset=utf-8' },
        {
          onResponse: (session) => {
            session.transformResponse({
              write: (chunk, emit) => emit(Buffer.from(String(chunk).toUpperCase())),
              end: () => {},
            });
          },
        },
      );
      response.write('data: one\n\n');
      await client.until((text) => body(text) === 'DATA: ONE\n\n');
      await passUntil(clock, () => body(client.received) === 'DATA: ONE\n\n: keepalive\n\n');
      client.destroy();
    });
  });

  it('closes pooled connections that have been idle for half of the peerIdleTimeout, and no others', async () => {
    const clock = new VirtualClock();
    const upstream = kept(await httpUpstream((_request, response) => response.end('x')));
    sidecar = await startSidecar({
      endpoints: [upstream.address],
      clock,
      keepalive: {},
      cluster: { timeouts: { idle: 600_000 }, keepalive: { peerIdleTimeout: 60_000 } },
    });
    const ask = async () => (await (await fetch(`${sidecar!.url}/`)).text()) === 'x';
    expect(await ask()).to.equal(true);
    clock.advance(20_000);
    expect(await ask()).to.equal(true);
    expect(upstream.connections).to.equal(1);
    await passUntil(clock, () => clock.now() >= 52_000);
    expect(await ask()).to.equal(true);
    expect(upstream.connections).to.equal(2);
  });

  it('of the kernel is set where it is asked for, and on tunnels that nobody can ping into', async () => {
    const calls: [boolean | undefined, number | undefined][] = [];
    const { setKeepAlive } = Socket.prototype;
    Socket.prototype.setKeepAlive = function (this: Socket, enable?: unknown, delay?: number) {
      calls.push([enable as boolean, delay]);
      return setKeepAlive.call(this, enable as boolean, delay);
    };
    try {
      const upstream = kept(await webSocketUpstream(() => {}));
      const visit = async (options: Partial<Parameters<typeof startSidecar>[0]>) => {
        calls.length = 0;
        sidecar = await startSidecar({ endpoints: [upstream.address], ...options });
        const client = await RawClient.connect(sidecar.port);
        client.send(HANDSHAKE);
        await client.until((text) => text.includes('\r\n\r\n'));
        client.destroy();
        await sidecar.stop();
        return [...calls];
      };
      expect(await visit({})).to.deep.equal([]);
      expect(await visit({ listener: { tcp: { keepalive: 60_000 } } })).to.deep.equal([[true, 60_000]]);
      expect(await visit({ cluster: { tcp: { keepalive: 30_000 } } })).to.deep.equal([[true, 30_000]]);
      expect(await visit({ listener: { websocket: { plane: 'bytes' } } })).to.deep.equal([
        [true, 25_000],
        [true, 25_000],
      ]);
    } finally {
      Socket.prototype.setKeepAlive = setKeepAlive;
    }
  });
});
