import { once } from 'node:events';
import resilience from '@outrigger/resilience';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import {
  type Echo,
  echoMessages,
  echoUpstream,
  httpUpstream,
  rawUpstream,
  type Upstream,
  webSocketUpstream,
} from '../support/upstreams.ts';

const RETRY = {
  attempts: 2,
  on: ['connect-failure', 'reset', 'handshake', 503],
  methods: ['POST'],
  perTryTimeout: Number.POSITIVE_INFINITY,
  backoff: { base: 100, max: 200 },
  budget: 0.2,
  body: 65_536,
};
const LIMITS = { connections: 1_024, pending: 1_024, requests: 1_024, streams: 65_536, retries: 3, wait: 5_000 };

describe('retries and limits between real sockets', () => {
  let upstreams: Upstream[] = [];
  let sidecar: TestSidecar;
  afterEach(async () => {
    await sidecar.stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop().catch(() => {})));
  });

  const start = async (cluster: object, ...started: Promise<Upstream>[]) => {
    upstreams = await Promise.all(started);
    const endpoints = upstreams.map(({ address }) => address);
    sidecar = await startSidecar({ endpoints, plugins: [resilience], cluster: cluster as never });
  };
  /** Resets when so many bytes have come. */
  const resetsAfter = (bytes: number) =>
    rawUpstream((socket, all) => {
      if (all.length >= bytes) socket.destroy();
    });

  /** A POST whose body goes in pieces; `framed` as chunks. */
  const post = async (size: number, framed: boolean) => {
    const client = await RawClient.connect(sidecar.port);
    const framing = framed ? 'transfer-encoding: chunked' : `content-length: ${size}`;
    client.send(`POST / HTTP/1.1\r\nhost: x\r\n${framing}\r\nconnection: close\r\n\r\n`);
    for (let sent = 0; sent < size; sent += 8_192) {
      const piece = String.fromCharCode(97 + ((sent / 8_192) % 26)).repeat(Math.min(8_192, size - sent));
      client.send(framed ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (framed) client.send('0\r\n\r\n');
    return client.untilEnd();
  };
  const echoed = (answer: string) => JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Echo;

  for (const framed of [false, true])
    for (const at of [20_000, 40_000])
      it(`sends a body of 40,000 bytes${framed ? ' in chunks' : ''} again, whole, when it was reset after ${at} of them`, async () => {
        await start({ retry: RETRY }, resetsAfter(at), echoUpstream());
        const answer = await post(40_000, framed);
        expect(statusOf(answer)).to.equal(200);
        const { body } = echoed(answer);
        expect(body.length).to.equal(40_000);
        expect(/^a{8192}b{8192}c{8192}d{8192}e{7232}$/.test(body)).to.equal(true);
      });

  it('does not send again what is longer than it keeps', async () => {
    await start({ retry: RETRY }, resetsAfter(150_000), echoUpstream());
    expect(statusOf(await post(200_000, false))).to.equal(502);
  });

  it('does not keep a body where the method may not be repeated', async () => {
    await start({ retry: { ...RETRY, methods: [] } }, resetsAfter(30_000), echoUpstream());
    expect(statusOf(await post(40_000, false))).to.equal(502);
  });

  it('asks another endpoint after a 503, and passes the last one on', async () => {
    const busy = () => httpUpstream((_, response) => void response.writeHead(503).end('busy'));
    await start({ retry: RETRY }, busy(), echoUpstream());
    expect((await fetch(sidecar.url)).status).to.equal(200);
    await sidecar.stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
    await start({ retry: RETRY }, busy(), busy());
    const response = await fetch(sidecar.url);
    expect([response.status, await response.text()]).to.deep.equal([503, 'busy']);
  });

  it('loses none of 100 requests at once to an endpoint that has died, whatever the budget', async () => {
    const limits = { ...LIMITS, retries: 0 };
    await start({ limits, retry: { ...RETRY, budget: 0 } }, echoUpstream(), echoUpstream(), echoUpstream());
    await upstreams[1]!.stop();
    const answers = await Promise.all(Array.from({ length: 100 }, () => fetch(sidecar.url)));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
  });

  it('asks the one endpoint again while it restarts', async () => {
    const connections: number[] = [];
    await start(
      { retry: { ...RETRY, attempts: 5 } },
      rawUpstream((socket) => {
        connections.push(1);
        if (connections.length < 3) socket.destroy();
        else socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      }),
    );
    expect((await fetch(sidecar.url)).status).to.equal(204);
    expect(connections.length).to.equal(3);
  });

  it('gives an attempt perTryTimeout, and asks another endpoint with on: [timeout]', async () => {
    await start(
      { retry: { ...RETRY, on: ['timeout'], perTryTimeout: 200 } },
      httpUpstream(() => {}),
      echoUpstream(),
    );
    expect((await fetch(sidecar.url)).status).to.equal(200);
  });

  for (const [name, refuses] of [
    ['is reset', () => rawUpstream((socket) => void socket.destroy())],
    [
      'is answered with 503',
      () => rawUpstream((socket) => void socket.write('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n')),
    ],
    [
      'is accepted with a wrong key',
      () =>
        rawUpstream(
          (socket) =>
            void socket.write(
              'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: AAAA\r\n\r\n',
            ),
        ),
    ],
  ] as const)
    it(`tries a WebSocket handshake elsewhere that ${name}`, async () => {
      await start({ retry: RETRY }, refuses(), webSocketUpstream(echoMessages));
      const socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/`);
      await once(socket, 'open');
      socket.send('hello');
      const [data] = await once(socket, 'message');
      expect(String(data)).to.equal('hello');
      socket.terminate();
    });

  it('answers 503 with retry-after beyond a limit, and counts WebSockets apart', async () => {
    await start({ limits: { ...LIMITS, streams: 1, requests: 1 } }, webSocketUpstream(echoMessages));
    const socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/`);
    await once(socket, 'open');
    const second = new WebSocket(`${sidecar.url.replace('http', 'ws')}/`);
    const [, response] = await once(second, 'unexpected-response');
    expect([response.statusCode, response.headers['retry-after']]).to.deep.equal([503, '1']);
    expect((await fetch(sidecar.url)).status).to.equal(200);
    expect((await fetch(sidecar.url)).status).to.equal(200);
    socket.terminate();
  });

  it('passes over an endpoint that has as many WebSockets, or requests, as it may; a reload changes that', async () => {
    const two = () => webSocketUpstream(echoMessages);
    const limits = (endpoint: object) => ({ limits: { ...LIMITS, endpoint } });
    await start(limits({ streams: 2 }), two(), two());
    const open = async () => {
      const socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/`);
      await once(socket, 'open');
      return socket;
    };
    const refused = async () => {
      const socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/`);
      const [, response] = await once(socket, 'unexpected-response');
      return [response.statusCode, response.headers['retry-after']];
    };
    const streams = () => [...sidecar.runtime.clusterStates()][0]!.endpoints.map((endpoint) => endpoint.streams);
    const sockets = [await open(), await open(), await open()];
    expect(streams()).to.deep.equal([2, 1]);
    // Round-robin would take the first one.
    sockets.push(await open());
    expect(streams()).to.deep.equal([2, 2]);
    expect(await refused()).to.deep.equal([503, '1']);
    expect((await fetch(sidecar.url)).status, 'requests are counted apart').to.equal(200);

    const endpoints = upstreams.map(({ address }) => address);
    await sidecar.reload({ endpoints, plugins: [resilience], cluster: limits({ streams: 3, requests: 0 }) });
    sockets.push(await open());
    expect((await fetch(sidecar.url)).status).to.equal(503);
    await sidecar.reload({ endpoints, plugins: [resilience] });
    expect((await fetch(sidecar.url)).status).to.equal(200);
    for (const socket of sockets) socket.terminate();
  });

  it('lets exchanges wait for one another', async () => {
    let most = 0;
    let now = 0;
    await start(
      { limits: { ...LIMITS, connections: 2 } },
      httpUpstream((_, response) => {
        most = Math.max(most, ++now);
        setTimeout(() => {
          now--;
          response.end('x');
        }, 20);
      }),
    );
    const answers = await Promise.all(Array.from({ length: 12 }, () => fetch(sidecar.url)));
    expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 12 }, () => 200));
    expect(most).to.equal(2);
  });

  for (const [before, cluster] of [
    ['nothing', {}],
    ['limits', { limits: LIMITS }],
  ] as const)
    it(`counts no retry for ever of a session that began before a reload to retry, from ${before}`, async () => {
      const asked = Promise.withResolvers<{ destroy(): void }>();
      const resets = rawUpstream((socket) => asked.resolve(socket));
      await start(
        cluster,
        resets,
        httpUpstream((_, response) => response.end('x')),
      );
      const answer = fetch(sidecar.url);
      const socket = await asked.promise;
      const endpoints = upstreams.map(({ address }) => address);
      await sidecar.reload({ endpoints, plugins: [resilience], cluster: { ...cluster, retry: RETRY } });
      socket.destroy();
      expect((await answer).status).to.equal(200);
      const [state] = [...sidecar.runtime.clusterStates()];
      const details = sidecar.runtime.adminDetails.map((one) => one.cluster?.(state!));
      expect(Object.assign({}, ...details).load).to.include({ retries: 0 });
    });
});
