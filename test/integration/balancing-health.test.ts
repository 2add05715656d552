import health from '@outrigger/health';
import { expect } from 'chai';
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
});
