import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type ConnectionHooks, VirtualClock } from '@outrigger/core';
import health from '@outrigger/health';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { echoMessages, httpUpstream, rawUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';
import { passUntil } from '../support/virtual-time.ts';

/** Each test says what it counts. */
const NOTHING = {
  connects: 0,
  consecutive: 0,
  gateway: 0,
  handshakes: 0,
  closes: 0,
  interval: 10_000,
  ejection: 30_000,
  maxEjection: 300_000,
  maxEjected: 0.1,
  successRate: { endpoints: 5, requests: 20, factor: 0 },
};

describe('outlier ejection between real sockets, without a check', () => {
  let clock: VirtualClock;
  let upstreams: Upstream[] = [];
  let sidecar: TestSidecar;
  afterEach(async () => {
    await sidecar.stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop().catch(() => {})));
  });

  const start = async (
    outlier: object,
    started: readonly Promise<Upstream>[],
    hooks: ConnectionHooks = {},
    more: Partial<SidecarOptions> = {},
  ) => {
    clock = new VirtualClock();
    upstreams = await Promise.all(started);
    sidecar = await startSidecar({
      endpoints: upstreams.map(({ address }) => address),
      plugins: [health],
      clock,
      hooks,
      cluster: { outlier: { ...NOTHING, ...outlier } },
      ...more,
    });
  };
  const answering = (answer: (response: ServerResponse) => void) => httpUpstream((_, response) => answer(response));
  const status = (code: number) => answering((response) => void response.writeHead(code).end('x'));
  const ask = async () => (await fetch(sidecar.url)).status;
  const asks = async (count: number) => {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push(await ask());
    return statuses;
  };
  const lines = (message: string) => sidecar.logs.filter((line) => line.message === message);
  const whys = () => lines('an endpoint is out').map(({ endpoint, why }) => [endpoint, why]);
  /** As the admin address shows it. */
  const state = (of: Upstream) => {
    const endpoint = [...sidecar.runtime.clusterStates()][0]!.endpoints.find(({ address }) => address === of.address)!;
    return Object.assign({}, ...sidecar.runtime.adminDetails.map((details) => details.endpoint?.(endpoint))).health;
  };
  const open = async () => {
    const socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/`);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
    return socket;
  };
  const closed = async (socket: WebSocket) => {
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
  };

  it('consecutive: answers with 5xx; who is out is not asked, until its time is over', async () => {
    await start({ consecutive: 5 }, [status(500), status(200)]);
    const [bad] = upstreams;
    expect((await asks(10)).filter((code) => code === 500)).to.have.length(5);
    expect(whys()).to.deep.equal([[bad!.address, 'ejected: consecutive']]);
    expect(state(bad!)).to.deep.include({
      state: 'out',
      why: 'ejected: consecutive',
      until: new Date(clock.wallTime() + 30_000).toISOString(),
      timesEjected: 1,
    });
    expect(new Set(await asks(20))).to.deep.equal(new Set([200]));
    clock.advance(29_000);
    expect(new Set(await asks(4))).to.deep.equal(new Set([200]));
    clock.advance(1_200);
    expect(lines('an endpoint is in again')[0]).to.include({ endpoint: bad!.address, why: 'its ejection is over' });
    expect((await asks(4)).filter((code) => code === 500)).to.have.length(2);
  });

  it('who is out stays out over a reload, and over a change of the list', async () => {
    await start({ consecutive: 2 }, [status(500), status(200), status(200)]);
    await asks(6);
    const [bad, ...good] = upstreams.map(({ address }) => address);
    const outlier = { ...NOTHING, consecutive: 2 };
    const cluster = { outlier, timeouts: { response: 1_000 } };
    await sidecar.reload({ endpoints: [bad!, good[0]!], plugins: [health], clock, cluster });
    expect(new Set(await asks(6))).to.deep.equal(new Set([200]));
    expect(state(upstreams[0]!)).to.include({ state: 'out', timesEjected: 1 });
    expect(whys()).to.have.length(1);
  });

  it('times × ejection, up to maxEjection', async () => {
    await start({ consecutive: 2, maxEjection: 70_000 }, [status(500), status(200)]);
    const lasted: number[] = [];
    for (let times = 1; times <= 3; times++) {
      const { length } = lines('an endpoint is out');
      while (lines('an endpoint is out').length === length) await ask();
      lasted.push(Date.parse(state(upstreams[0]!).until) - clock.wallTime());
      clock.advance(lasted.at(-1)! + 100);
    }
    expect(lasted).to.deep.equal([30_000, 60_000, 70_000]);
  });

  it('maxEjected: no more than its part is out at once', async () => {
    await start({ consecutive: 1, maxEjected: 0.5 }, [status(500), status(500), status(500), status(200)]);
    await asks(40);
    expect(whys()).to.have.length(2);
    expect(new Set(await asks(20))).to.deep.equal(new Set([500, 200]));
  });

  it('gateway: 502, 503 and 504 alone', async () => {
    let code = 500;
    await start({ gateway: 3 }, [answering((response) => void response.writeHead(code).end('x')), status(200)]);
    await asks(20);
    expect(whys()).to.deep.equal([]);
    code = 503;
    await asks(6);
    expect(whys()).to.deep.equal([[upstreams[0]!.address, 'ejected: gateway']]);
  });

  it('consecutive: a response that breaks off counts, though its head said 200', async () => {
    const breaks = rawUpstream((socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    });
    await start({ gateway: 1 }, [breaks, status(200)]);
    for (let i = 0; i < 4; i++)
      await fetch(sidecar.url)
        .then((response) => response.text())
        .catch(() => {});
    expect(whys()).to.deep.equal([[upstreams[0]!.address, 'ejected: gateway']]);
  });

  it('connects: who refuses is out after three, and no client has noticed', async () => {
    await start({ connects: 3 }, [status(200), status(200)]);
    await upstreams[0]!.stop();
    expect(new Set(await asks(8))).to.deep.equal(new Set([200]));
    expect(whys()).to.deep.equal([[upstreams[0]!.address, 'ejected: connects']]);
  });

  it('successRate: who succeeds far less often than the others', async () => {
    let asked = 0;
    const half = answering((response) => void response.writeHead(asked++ % 2 === 0 ? 500 : 200).end('x'));
    await start({ successRate: { endpoints: 5, requests: 20, factor: 1.9 } }, [
      half,
      ...Array.from({ length: 5 }, () => status(200)),
    ]);
    await asks(6 * 20);
    expect(whys()).to.deep.equal([]);
    clock.advance(11_000);
    expect(whys()).to.deep.equal([[upstreams[0]!.address, 'ejected: success-rate']]);
    expect(new Set(await asks(12))).to.deep.equal(new Set([200]));
  });

  for (const [name, refuses] of [
    ['are answered with 503', () => status(503)],
    [
      'are answered with a wrong key',
      () =>
        rawUpstream(
          (socket) =>
            void socket.write(
              'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: AAAA\r\n\r\n',
            ),
        ),
    ],
  ] as const)
    it(`handshakes: those that ${name}`, async () => {
      await start({ handshakes: 3 }, [refuses(), webSocketUpstream(echoMessages)]);
      for (let i = 0; i < 6; i++) (await open()).terminate();
      expect(whys()).to.deep.equal([[upstreams[0]!.address, 'ejected: handshakes']]);
      const socket = await open();
      expect(socket.readyState).to.equal(WebSocket.OPEN);
      socket.terminate();
    });

  const closes: readonly (readonly [how: string, end: (socket: WebSocket) => void, counts: boolean])[] = [
    ['without a Close (1006)', (socket) => socket.terminate(), true],
    ['1011', (socket) => socket.close(1011), true],
    ['1013', (socket) => socket.close(1013), true],
    ['1000', (socket) => socket.close(1000), false],
    ['1001', (socket) => socket.close(1001), false],
  ];
  for (const [how, end, counts] of closes)
    it(`closes: ${how} ${counts ? 'counts' : 'never counts'}`, async () => {
      await start({ closes: 3 }, [webSocketUpstream(end), webSocketUpstream(echoMessages)]);
      // Round-robin: every other one is at the endpoint that ends it.
      for (let i = 0; i < 3; i++) {
        const [ended, other] = [await open(), await open()];
        await closed(ended);
        other.terminate();
      }
      expect(whys()).to.deep.equal(counts ? [[upstreams[0]!.address, 'ejected: closes']] : []);
    });

  for (const plane of ['frames', 'messages'] as const)
    it(`closes: who answers no ping of the keepalive plugin counts, on the plane of ${plane}`, async () => {
      const deaf = webSocketUpstream(() => {}, { autoPong: false } as object);
      const pongs: string[] = [];
      const hooks: ConnectionHooks = { onPong: (_, side) => void pongs.push(side) };
      if (plane === 'messages') hooks.onMessage = () => undefined;
      const keepalive = { websocket: { interval: 20_000, timeout: 5_000 } };
      await start({ closes: 2 }, [deaf, webSocketUpstream(echoMessages)], hooks, { keepalive });
      const [first, second, third] = [await open(), await open(), await open()];
      await passUntil(clock, () => sidecar.runtime.sessions.size === 1, undefined, 26_000);
      await Promise.all([first, third].map(closed));
      expect(whys()).to.deep.equal([[upstreams[0]!.address, 'ejected: closes']]);
      expect(state(upstreams[0]!)).to.deep.include({ state: 'out', why: 'ejected: closes' });
      // Who was asked, and answered, stays; who comes now goes where pings are answered, and all hold on.
      const more = [await open(), await open()];
      expect([...sidecar.runtime.clusterStates()][0]!.endpoints.map(({ streams }) => streams)).to.deep.equal([0, 3]);
      pongs.length = 0;
      await passUntil(clock, () => pongs.filter((side) => side === 'upstream').length >= 3, undefined, 26_000);
      for (const socket of [second, ...more]) {
        expect(socket.readyState).to.equal(WebSocket.OPEN);
        socket.terminate();
      }
    });
});
