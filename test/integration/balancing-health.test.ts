import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import health from '@outrigger/health';
import { expect } from 'chai';
import { WebSocketServer } from 'ws';
import { Authority, type Pair, writeAuthority } from '../support/certificates.ts';
import { Scratch } from '../support/scratch.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { echoMessages, httpUpstream, rawUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const FAST = { interval: 100, timeout: 1_000, rise: 1, fall: 1, jitter: 0 };

describe('active checks of real endpoints', () => {
  let upstreams: Upstream[] = [];
  let sidecar: TestSidecar;
  afterEach(async () => {
    await sidecar.stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop().catch(() => {})));
  });

  const start = async (kind: object, ...started: Promise<Upstream>[]) => {
    upstreams = await Promise.all(started);
    sidecar = await startSidecar({
      endpoints: upstreams.map(({ address }) => address),
      plugins: [health],
      cluster: { health: { ...FAST, ...kind } },
    });
  };
  /** Resolves to the line that tells of an endpoint. */
  const told = async (message: string) => {
    for (;;) {
      const line = sidecar.logs.find((one) => one.message === message);
      if (line !== undefined) return line;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const settled = async () => {
    const before = upstreams.map(({ connections }) => connections);
    while (upstreams.some(({ connections }, i) => connections < before[i]! + 3))
      await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('http: the status decides, and recovery is seen', async () => {
    let status = 200;
    const asked = new Set<string>();
    await start(
      { http: { path: '/healthz?x', host: 'app.example' } },
      httpUpstream((request, response) => {
        asked.add(`${request.method} ${request.headers.host} ${request.url}`);
        response.statusCode = status;
        response.end('x');
      }),
    );
    await settled();
    expect(sidecar.logs.filter(({ message }) => message.startsWith('an endpoint'))).to.deep.equal([]);
    expect([...asked]).to.deep.equal(['GET app.example /healthz?x']);
    status = 503;
    expect(await told('an endpoint is out')).to.include({ why: 'check: status 503', cluster: 'app' });
    expect((await fetch(sidecar.url)).status).to.equal(503);
    status = 204;
    await told('an endpoint is in again');
    expect((await fetch(sidecar.url)).status).to.equal(204);
  });

  it('http: the expected status may be named', async () => {
    await start(
      { http: { path: '/', status: [200, 418] } },
      httpUpstream((_, response) => void response.writeHead(404).end()),
    );
    expect(await told('an endpoint is out')).to.include({ why: 'check: status 404' });
  });

  it('http: what is no HTTP is no answer', async () => {
    await start(
      { http: { path: '/' } },
      rawUpstream((socket) => void socket.write('220 mail.example ESMTP\r\n')),
    );
    expect(await told('an endpoint is out')).to.include({ why: 'check: the answer is not HTTP/1.1' });
  });

  it('tcp: who does not listen is out', async () => {
    await start(
      { tcp: {} },
      httpUpstream(() => {}),
      httpUpstream(() => {}),
    );
    await settled();
    await upstreams[1]!.stop();
    expect(await told('an endpoint is out')).to.include({ endpoint: upstreams[1]!.address });
  });

  it('websocket: the handshake and a pong', async () => {
    await start(
      { websocket: { path: '/ws' } },
      webSocketUpstream((socket) => {
        // Speaks first: that is passed over.
        socket.send('x'.repeat(40_000));
        echoMessages(socket);
      }),
    );
    await settled();
    expect(sidecar.logs.filter(({ message }) => message.startsWith('an endpoint'))).to.deep.equal([]);
  });

  it('websocket: who answers with 200 is out', async () => {
    await start(
      { websocket: { path: '/' } },
      httpUpstream((_, response) => void response.end('plain')),
    );
    // Node's server ends such a request by itself where nobody listens for upgrades.
    expect((await told('an endpoint is out'))['why']).to.match(/status 200|closed/);
  });

  it('websocket: who opens and never answers a ping is out', async () => {
    await start(
      { websocket: { path: '/' }, timeout: 300 },
      webSocketUpstream(() => {}, { autoPong: false } as object),
    );
    expect(await told('an endpoint is out')).to.include({ why: 'check: no answer in time' });
  });

  for (const [name, answers, passes] of [
    ['a message with what is expected', (text: string) => ['{"hello":', text, ', "state": "ready"}'].join(''), true],
    ['another message', () => 'not ready', false],
  ] as const)
    it(`websocket: what is sent is answered by ${name}`, async () => {
      const asked: string[] = [];
      await start(
        { websocket: { path: '/', send: 'how are you?', expect: '"state": "ready"' }, timeout: 300 },
        webSocketUpstream((socket) => {
          socket.on('message', (data) => {
            asked.push(String(data));
            const answer = answers(String(data));
            // In two fragments.
            socket.send(answer.slice(0, 5), { fin: false });
            socket.send(answer.slice(5), { fin: true });
          });
        }),
      );
      if (passes) await settled();
      else expect(await told('an endpoint is out')).to.include({ why: 'check: no answer in time' });
      expect(new Set(asked)).to.deep.equal(new Set(['how are you?']));
      expect(sidecar.logs.some(({ message }) => message === 'an endpoint is out')).to.equal(!passes);
    });
});

describe('active checks over TLS and Unix-domain sockets', () => {
  const scratch = new Scratch();
  let authority: Authority;
  let pair: Pair;
  let sidecar: TestSidecar;
  let server: Server;
  before(async () => {
    authority = await Authority.create();
    pair = await authority.issue({ names: ['app.test'] });
  });
  after(() => scratch.remove());
  afterEach(async () => {
    await sidecar.stop();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  /** Resolves when a real peer was checked three times, or is out: then to why. */
  const checked = async (one: Server, where: () => string, cluster: object): Promise<string | undefined> => {
    server = one;
    let checks = 0;
    server.on('request', (_request, response) => void response.end('well'));
    new WebSocketServer({ server });
    server.on('connection', () => void checks++);
    await once(server, 'listening');
    sidecar = await startSidecar({
      endpoints: [where()],
      plugins: [health],
      cluster: { health: { ...FAST, ...cluster }, ...cluster },
    });
    for (;;) {
      const out = sidecar.logs.find(({ message }) => message === 'an endpoint is out');
      if (out !== undefined) return out['why'] as string;
      if (checks >= 4) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const secure = (cluster: object) => {
    const one = createHttpsServer({ cert: pair.cert, key: pair.key }).listen(0, '127.0.0.1');
    return checked(one, () => `127.0.0.1:${(one.address() as AddressInfo).port}`, cluster);
  };
  const local = (cluster: object) => {
    const path = join(scratch.folder, 'app.sock');
    return checked(createHttpServer().listen(path), () => `unix:${path}`, cluster);
  };
  const ca = () => writeAuthority(scratch.folder, 'ca', authority);

  for (const kind of [{ tcp: {} }, { http: { path: '/' } }, { websocket: { path: '/' } }]) {
    const [name] = Object.keys(kind);
    it(`${name}: over the cluster's own TLS`, async () => {
      expect(await secure({ ...kind, tls: { serverName: 'app.test', ca: ca() } })).to.equal(undefined);
    });
    it(`${name}: a certificate for another name is no endpoint of ours`, async () => {
      expect(await secure({ ...kind, tls: { serverName: 'other.test', ca: ca() } })).to.match(/other\.test/);
    });
    if (name === 'tcp') continue;
    it(`${name}: over a Unix-domain socket`, async () => {
      expect(await local(kind)).to.equal(undefined);
    });
  }

  it('http: an endpoint that speaks no TLS where the cluster does is out', async () => {
    const one = createHttpServer().listen(0, '127.0.0.1');
    const where = () => `127.0.0.1:${(one.address() as AddressInfo).port}`;
    const why = await checked(one, where, { http: { path: '/' }, tls: { serverName: 'app.test', ca: ca() } });
    expect(why).to.match(/^check: /);
  });
});
