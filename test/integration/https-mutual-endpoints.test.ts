import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import type { Pair } from '../support/certificates.ts';
import { meshForSuite } from '../support/mesh.ts';
import type { SidecarOptions, TestSidecar } from '../support/sidecar.ts';

describe('mutual TLS towards endpoints', () => {
  const mesh = meshForSuite();
  const servers: Server[] = [];
  const sockets = new Set<TLSSocket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const one of servers.splice(0)) one.close();
  });

  async function serve(
    pair: Pair,
    options: object = {},
  ): Promise<{ address: string; requests: string[]; resumed: boolean[] }> {
    const requests: string[] = [];
    const resumed: boolean[] = [];
    const one = createServer({ cert: pair.cert, key: pair.key, ...options }, (incoming, response) => {
      const socket = incoming.socket as TLSSocket;
      requests.push(`${(socket as unknown as { servername: string }).servername}`);
      response.end(socket.authorized ? 'known' : 'unknown');
    });
    one.on('secureConnection', (socket: TLSSocket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      resumed.push(socket.isSessionReused());
    });
    one.on('tlsClientError', () => {});
    servers.push(one);
    one.listen(0, '127.0.0.1');
    await once(one, 'listening');
    return { address: `127.0.0.1:${(one.address() as AddressInfo).port}`, requests, resumed };
  }
  const through = async (sidecar: TestSidecar) => {
    const response = await fetch(sidecar.url);
    return [response.status, await response.text()] as const;
  };

  it('asks for the server name, verifies by the CA, and shows its own certificate', async () => {
    const { address, requests } = await serve(mesh.server, {
      ca: mesh.authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const sidecar = await mesh.start({
      endpoints: [address],
      cluster: { tls: { serverName: 'app.test', ca: mesh.ca, ...mesh.ownFiles } },
    });
    expect(await through(sidecar)).to.deep.equal([200, 'known']);
    expect(requests).to.deep.equal(['app.test']);
  });

  const bad: readonly (readonly [what: string, pair: () => Promise<Pair>, tls: () => object])[] = [
    ['of another authority', () => mesh.stranger.issue({ names: ['app.test'] }), () => ({ ca: mesh.ca })],
    ['for another name', () => mesh.authority.issue({ names: ['other.test'] }), () => ({ ca: mesh.ca })],
    [
      'that has expired',
      () => mesh.authority.issue({ names: ['app.test'], since: 20, days: -10 }),
      () => ({ ca: mesh.ca }),
    ],
    ['of no authority that Node knows', () => mesh.authority.issue({ names: ['app.test'] }), () => ({})],
  ];
  for (const [what, pair, tls] of bad) {
    it(`answers 502 and sends nothing to an endpoint with a certificate ${what}`, async () => {
      const { address, requests } = await serve(await pair());
      const sidecar = await mesh.start({
        endpoints: [address],
        cluster: { tls: { serverName: 'app.test', ...tls() } },
      });
      const [status, text] = await through(sidecar);
      expect(status).to.equal(502);
      expect(text).to.include('upstream-certificate');
      expect(requests).to.deep.equal([]);
    });
  }

  it('takes any certificate with verify: false, and says so loudly', async () => {
    const { address } = await serve(await mesh.stranger.issue({ names: ['other.test'] }));
    const sidecar = await mesh.start({
      endpoints: [address],
      cluster: { tls: { serverName: 'app.test', verify: false } },
    });
    expect((await through(sidecar))[0]).to.equal(200);
    const warnings = sidecar.logs.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(warnings.join()).to.include('tls.verify is false');
  });

  it('answers 502 where the endpoint speaks no TLS', async () => {
    const sidecar = await mesh.start({ cluster: { tls: { serverName: 'app.test', ca: mesh.ca } } });
    const [status, text] = await through(sidecar);
    expect(status).to.equal(502);
    expect(text).to.include('upstream-tls');
  });

  it('resumes the session of an endpoint with its next connection', async () => {
    const { address, resumed } = await serve(mesh.server);
    const tls = { serverName: 'app.test', ca: mesh.ca };
    const sidecar = await mesh.start({ endpoints: [address], cluster: { tls, pool: { idle: 0 } } });
    for (let i = 0; i < 3; i++) expect((await through(sidecar))[0]).to.equal(200);
    expect(resumed).to.deep.equal([false, true, true]);
  });

  it('forgets the session of an endpoint that has left', async () => {
    const [here, there] = [await serve(mesh.server), await serve(mesh.server)];
    const options = (address: string): SidecarOptions => ({
      endpoints: [address],
      cluster: { tls: { serverName: 'app.test', ca: mesh.ca }, pool: { idle: 0 } },
    });
    const sidecar = await mesh.start(options(here.address));
    for (let i = 0; i < 2; i++) await through(sidecar);
    await sidecar.reload(options(there.address));
    await through(sidecar);
    await sidecar.reload(options(here.address));
    await through(sidecar);
    expect([here.resumed, there.resumed]).to.deep.equal([[false, true, false], [false]]);
  });

  it('uses no pooled connection that was made with other settings, and keeps those of the same', async () => {
    const { address, requests, resumed } = await serve(mesh.server, {
      ca: mesh.authority.cert,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const options = (tls: object): SidecarOptions => ({ endpoints: [address], cluster: { tls } });
    const sidecar = await mesh.start(options({ serverName: 'app.test', ca: mesh.ca }));
    expect(await through(sidecar)).to.deep.equal([200, 'unknown']);
    await sidecar.reload({ ...options({ serverName: 'app.test', ca: mesh.ca }), drain: { timeout: 9_000 } });
    expect(await through(sidecar)).to.deep.equal([200, 'unknown']);
    expect(resumed).to.have.length(1);
    await sidecar.reload(options({ serverName: 'app.test', ca: mesh.ca, ...mesh.ownFiles }));
    expect(await through(sidecar)).to.deep.equal([200, 'known']);
    expect(requests).to.have.length(3);
    expect(resumed).to.have.length(2);
  });
});
