import { once } from 'node:events';
import { Socket } from 'node:net';
import { type Side, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { HANDSHAKE } from '../support/frames.ts';
import { IdleCutter } from '../support/idle-cutter.ts';
import { RawClient } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { httpUpstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually, passUntil, TICKS } from '../support/virtual-time.ts';
import { SIDES, WebSocketPair } from '../support/websocket-pair.ts';

const OFF = Number.POSITIVE_INFINITY;

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
    const answer = pair.answering('downstream');
    await passUntil(
      pair.clock,
      () => pair.closesAt('upstream').length > 0,
      () => {
        answer();
        for (const side of SIDES) if (pair.pingsAt(side).length > 0) first[side] ??= pair.clock.now();
      },
    );
    expect(first.upstream).to.be.within(17_000, 20_000);
    expect(first.downstream).to.be.within(25_500, 30_000);
    expect(pair.clock.now() - first.downstream!).to.be.within(1_900, 2_000 + TICKS);
    await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
    await pair.close();
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
