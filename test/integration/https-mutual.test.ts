import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Authority, type Pair, writeAuthority, writePair } from '../support/certificates.ts';
import { Scratch } from '../support/scratch.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import {
  type Echo,
  echoMessages,
  echoUpstream,
  field,
  type Upstream,
  webSocketUpstream,
} from '../support/upstreams.ts';
import { eventually } from '../support/virtual-time.ts';

const SPIFFE = 'spiffe://mesh.test/ns/a/sa/client';

describe('mutual TLS', () => {
  const scratch = new Scratch();
  let authority: Authority;
  let stranger: Authority;
  let server: Pair;
  let client: Pair;
  let certificates: { cert: string; key: string }[];
  let ownFiles: { cert: string; key: string };
  let ca: string;
  let upstream: Upstream;
  const started: TestSidecar[] = [];

  before(async () => {
    authority = await Authority.create('mesh');
    stranger = await Authority.create('stranger');
    server = await authority.issue({ names: ['app.test', '127.0.0.1'] });
    client = await authority.issue({ names: ['client.test'], uris: [SPIFFE], commonName: 'client' });
    certificates = [writePair(scratch.folder, 'server', server)];
    ownFiles = writePair(scratch.folder, 'client', client);
    ca = writeAuthority(scratch.folder, 'ca', authority);
    upstream = await echoUpstream();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((sidecar) => sidecar.stop()));
  });
  after(async () => {
    await upstream.stop();
    scratch.remove();
  });

  async function start(options: Partial<SidecarOptions>): Promise<TestSidecar> {
    const sidecar = await startSidecar({ endpoints: [upstream.address], ...options });
    started.push(sidecar);
    return sidecar;
  }
  const requiring = (more: object = {}) => ({ tls: { certificates, clientCa: ca, clientAuth: 'require', ...more } });

  async function ask(port: number, options: object = {}): Promise<{ status: number; text: string; echo: Echo }> {
    const call = request({ port, host: '127.0.0.1', ca: authority.cert, agent: false, ...options });
    call.end();
    const [response] = await once(call, 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return { status: response.statusCode, text, echo: text.startsWith('{') ? JSON.parse(text) : undefined };
  }

  describe('of a client', () => {
    it('tells hooks and upstream whom the client proved to be', async () => {
      const seen: unknown[] = [];
      const { port } = await start({
        listener: requiring(),
        hooks: { onConnection: ({ peer }) => void seen.push(peer.tls?.certificate) },
      });
      const headers = { 'x-forwarded-client-cert': 'Hash=forged' };
      const { echo } = await ask(port, { cert: client.cert, key: client.key, headers });
      const [certificate] = seen as [{ subject: string; spiffeId: string; fingerprint256: string; pem: string }];
      expect(certificate.subject).to.equal('O=Outrigger,CN=client');
      expect(certificate.spiffeId).to.equal(SPIFFE);
      expect(certificate.pem.trim()).to.equal(client.cert.trim());
      const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
      const said = echo.headers.filter((_, i) => echo.headers[i - 1]?.toLowerCase() === 'x-forwarded-client-cert');
      expect(said).to.deep.equal([`Hash=${hash};Subject="O=Outrigger,CN=client";URI=${SPIFFE};DNS=client.test`]);
    });

    it('tells upstream by whose URI it was let in, and the chain where it is asked for', async () => {
      const ours = await authority.issue({ names: ['127.0.0.1'], uris: ['spiffe://mesh.test/ns/a/sa/app'] });
      const files = [writePair(scratch.folder, 'named', ours)];
      const { port } = await start({
        listener: { ...requiring({ certificates: files }), clientCertificateDetails: ['uri', 'cert', 'chain'] },
      });
      const { echo } = await ask(port, { cert: client.cert, key: client.key });
      const parts = field(echo.headers, 'x-forwarded-client-cert')!.split(';');
      expect(parts.map((part) => part.split('=')[0])).to.deep.equal(['By', 'Hash', 'Cert', 'Chain', 'URI']);
      expect(parts[0]).to.equal('By=spiffe://mesh.test/ns/a/sa/app');
      for (const part of parts.slice(2, 4))
        expect(decodeURIComponent(part.replace(/^\w+="(.*)"$/, '$1')).trim()).to.equal(client.cert.trim());
    });

    it('adds what a client proved to what one who is trusted says of those before it', async () => {
      const headers = { 'x-forwarded-client-cert': 'Hash=before' };
      const told = async (trustedPeers: readonly string[]) => {
        const { port } = await start({ listener: { ...requiring(), trustedPeers } });
        const { echo } = await ask(port, { cert: client.cert, key: client.key, headers });
        return field(echo.headers, 'x-forwarded-client-cert');
      };
      expect(await told(['spiffe://mesh.test/*'])).to.match(/^Hash=before,Hash=[0-9a-f]{64};/);
      expect(await told(['spiffe://mesh.test/ns/b/*'])).to.match(/^Hash=[0-9a-f]{64};[^,]*,CN=client"/);
    });

    it('strips x-forwarded-client-cert also of a trusted network, where no certificate was proved', async () => {
      const { port } = await start({
        listener: { ...requiring({ clientAuth: 'request' }), trustedPeers: ['127.0.0.0/8'] },
      });
      const { echo } = await ask(port, { headers: { 'X-Forwarded-Client-Cert': 'Hash=forged' } });
      expect(field(echo.headers, 'x-forwarded-client-cert')).to.equal(undefined);
    });

    it('asks for certificates by the name that the client wants, and holds requests to that name', async () => {
      const open = writePair(scratch.folder, 'open', await authority.issue({ names: ['open.test', '127.0.0.1'] }));
      const closed = writePair(scratch.folder, 'closed', await authority.issue({ names: ['closed.test'] }));
      const { port } = await start({
        listener: { tls: { certificates: [open, { ...closed, clientCa: ca, clientAuth: 'require' }] } },
      });
      const status = async (servername: string, host: string, more: object = {}) =>
        (await ask(port, { servername, headers: { host }, ...more })).status;
      const proof = { cert: client.cert, key: client.key };
      expect(await status('open.test', 'open.test')).to.equal(200);
      expect(await status('closed.test', 'closed.test')).to.equal(400);
      expect(await status('closed.test', 'closed.test', proof)).to.equal(200);
      // In by the open door, and then to the closed one.
      expect(await status('open.test', 'closed.test')).to.equal(421);
      expect(await status('open.test', 'closed.test', proof)).to.equal(421);
    });

    it('lets nobody hide the name behind more than is looked at', async () => {
      const open = writePair(scratch.folder, 'open', await authority.issue({ names: ['open.test'] }));
      const closed = writePair(scratch.folder, 'closed', await authority.issue({ names: ['closed.test'] }));
      const sidecar = await start({
        listener: { tls: { certificates: [open, { ...closed, clientCa: ca, clientAuth: 'require' }] } },
      });
      const long = Array.from({ length: 80 }, (_, i) => `${i}`.padEnd(250, 'x'));
      const to = async (servername: string): Promise<string> => {
        const options = {
          port: sidecar.port,
          host: '127.0.0.1',
          ca: authority.cert,
          servername,
          checkServerIdentity() {},
        };
        const socket = connect({ ...options, ALPNProtocols: ['http/1.1', ...long] } as unknown as ConnectionOptions);
        socket.on('error', () => {});
        socket.write(`GET / HTTP/1.1\r\nhost: ${servername}\r\nconnection: close\r\n\r\n`);
        let text = '';
        socket.on('data', (bytes) => (text += bytes));
        await once(socket, 'close');
        return text.split('\r\n', 1)[0]!;
      };
      expect(await to('open.test')).to.equal('HTTP/1.1 200 OK');
      expect(await to('closed.test')).to.equal('');
      expect(sidecar.logs.find(({ message }) => message === 'TLS handshake failed')?.['cause']).to.equal(
        'tls-handshake',
      );
    });

    it('resumes no session of a name that asked for less', async () => {
      const names = ['lax.test', 'strict.test'];
      const files = await Promise.all(
        names.map(async (name) => writePair(scratch.folder, name, await authority.issue({ names: [name] }))),
      );
      const { port } = await start({
        listener: { tls: { certificates: [files[0], { ...files[1], clientCa: ca, clientAuth: 'require' }] } },
      });
      const to = async (servername: string, more: ConnectionOptions = {}): Promise<TLSSocket> => {
        const socket = connect({
          port,
          host: '127.0.0.1',
          ca: authority.cert,
          servername,
          maxVersion: 'TLSv1.2',
          ...more,
        });
        await once(socket, 'secureConnect');
        return socket;
      };
      const lax = await to('lax.test');
      const session = lax.getSession()!;
      const again = await to('lax.test', { session });
      const strict = await to('strict.test', { session });
      expect([again.isSessionReused(), strict.isSessionReused()]).to.deep.equal([true, false]);
      for (const socket of [lax, again, strict]) socket.destroy();
    });

    it('strips x-forwarded-client-cert of a client that proved none', async () => {
      const { port } = await start({ listener: requiring({ clientAuth: 'request' }) });
      const { status, echo } = await ask(port, { headers: { 'X-Forwarded-Client-Cert': 'Hash=forged' } });
      expect(status).to.equal(200);
      expect(field(echo.headers, 'x-forwarded-client-cert')).to.equal(undefined);
    });

    const refused: readonly (readonly [what: string, cause: string, pair: () => Promise<Partial<Pair>>])[] = [
      ['without a certificate', 'tls-client-certificate-missing', async () => ({})],
      [
        'of an authority that nobody knows',
        'tls-client-certificate-unknown-ca',
        () => stranger.issue({ names: ['client.test'] }),
      ],
      [
        'whose certificate has expired',
        'tls-client-certificate-expired',
        () => authority.issue({ names: ['client.test'], since: 20, days: -10 }),
      ],
    ];
    for (const [what, cause, pair] of refused) {
      it(`answers one ${what} with 400 and the reason, and disturbs nobody`, async () => {
        const sidecar = await start({ listener: requiring() });
        const { cert, key } = await pair();
        const { status, text } = await ask(sidecar.port, cert === undefined ? {} : { cert, key });
        expect(status).to.equal(400);
        expect(text).to.include(`${cause}: `);
        const logged = sidecar.logs.filter(({ message }) => message === 'TLS handshake failed');
        expect(logged.map((line) => line['cause'])).to.deep.equal([cause]);
        expect((await ask(sidecar.port, { cert: client.cert, key: client.key })).status).to.equal(200);
      });
    }

    it('answers a request for another host than that of the handshake with 421 where strictSni says so', async () => {
      const strict = await start({ listener: { tls: { certificates, strictSni: true } } });
      const status = async (servername: string, host: string) =>
        (await ask(strict.port, { servername, headers: { host } })).status;
      expect(await status('app.test', 'app.test:8443')).to.equal(200);
      expect(await status('app.test', 'other.test')).to.equal(421);
      const lax = await start({ listener: { tls: { certificates } } });
      expect((await ask(lax.port, { servername: 'app.test', headers: { host: 'other.test' } })).status).to.equal(200);
    });
  });

  describe('towards endpoints', () => {
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
      const { address, requests } = await serve(server, {
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: true,
      });
      const sidecar = await start({
        endpoints: [address],
        cluster: { tls: { serverName: 'app.test', ca, ...ownFiles } },
      });
      expect(await through(sidecar)).to.deep.equal([200, 'known']);
      expect(requests).to.deep.equal(['app.test']);
    });

    const bad: readonly (readonly [what: string, pair: () => Promise<Pair>, tls: () => object])[] = [
      ['of another authority', () => stranger.issue({ names: ['app.test'] }), () => ({ ca })],
      ['for another name', () => authority.issue({ names: ['other.test'] }), () => ({ ca })],
      ['that has expired', () => authority.issue({ names: ['app.test'], since: 20, days: -10 }), () => ({ ca })],
      ['of no authority that Node knows', () => authority.issue({ names: ['app.test'] }), () => ({})],
    ];
    for (const [what, pair, tls] of bad) {
      it(`answers 502 and sends nothing to an endpoint with a certificate ${what}`, async () => {
        const { address, requests } = await serve(await pair());
        const sidecar = await start({ endpoints: [address], cluster: { tls: { serverName: 'app.test', ...tls() } } });
        const [status, text] = await through(sidecar);
        expect(status).to.equal(502);
        expect(text).to.include('upstream-certificate');
        expect(requests).to.deep.equal([]);
      });
    }

    it('takes any certificate with verify: false, and says so loudly', async () => {
      const { address } = await serve(await stranger.issue({ names: ['other.test'] }));
      const sidecar = await start({
        endpoints: [address],
        cluster: { tls: { serverName: 'app.test', verify: false } },
      });
      expect((await through(sidecar))[0]).to.equal(200);
      const warnings = sidecar.logs.filter(({ level }) => level === 'warn').map(({ message }) => message);
      expect(warnings.join()).to.include('tls.verify is false');
    });

    it('answers 502 where the endpoint speaks no TLS', async () => {
      const sidecar = await start({ cluster: { tls: { serverName: 'app.test', ca } } });
      const [status, text] = await through(sidecar);
      expect(status).to.equal(502);
      expect(text).to.include('upstream-tls');
    });

    it('resumes the session of an endpoint with its next connection', async () => {
      const { address, resumed } = await serve(server);
      const tls = { serverName: 'app.test', ca };
      const sidecar = await start({ endpoints: [address], cluster: { tls, pool: { idle: 0 } } });
      for (let i = 0; i < 3; i++) expect((await through(sidecar))[0]).to.equal(200);
      expect(resumed).to.deep.equal([false, true, true]);
    });

    it('forgets the session of an endpoint that has left', async () => {
      const [here, there] = [await serve(server), await serve(server)];
      const options = (address: string): SidecarOptions => ({
        endpoints: [address],
        cluster: { tls: { serverName: 'app.test', ca }, pool: { idle: 0 } },
      });
      const sidecar = await start(options(here.address));
      for (let i = 0; i < 2; i++) await through(sidecar);
      await sidecar.reload(options(there.address));
      await through(sidecar);
      await sidecar.reload(options(here.address));
      await through(sidecar);
      expect([here.resumed, there.resumed]).to.deep.equal([[false, true, false], [false]]);
    });

    it('uses no pooled connection that was made with other settings, and keeps those of the same', async () => {
      const { address, requests, resumed } = await serve(server, {
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: false,
      });
      const options = (tls: object): SidecarOptions => ({ endpoints: [address], cluster: { tls } });
      const sidecar = await start(options({ serverName: 'app.test', ca }));
      expect(await through(sidecar)).to.deep.equal([200, 'unknown']);
      await sidecar.reload({ ...options({ serverName: 'app.test', ca }), drain: { timeout: 9_000 } });
      expect(await through(sidecar)).to.deep.equal([200, 'unknown']);
      expect(resumed).to.have.length(1);
      await sidecar.reload(options({ serverName: 'app.test', ca, ...ownFiles }));
      expect(await through(sidecar)).to.deep.equal([200, 'known']);
      expect(requests).to.have.length(3);
      expect(resumed).to.have.length(2);
    });
  });

  it('carries requests and WebSockets through two sidecars face to face', async () => {
    let asked: IncomingHttpHeaders | undefined;
    const chat = await webSocketUpstream((socket, { headers }) => {
      asked = headers;
      echoMessages(socket);
    });
    try {
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      const cluster = (address: string) => ({
        endpoints: [address],
        cluster: { tls: { serverName: 'app.test', ca, ...ownFiles } },
      });
      const near = await start({ listener: { ...requiring(), trustedPeers: ['127.0.0.0/8'] } });
      const through = async ({ port }: TestSidecar) => {
        const far = await start(cluster(`127.0.0.1:${port}`));
        const response = await fetch(far.url, { headers: { traceparent } });
        return ((await response.json()) as Echo).headers;
      };
      const headers = await through(near);
      expect(field(headers, 'x-forwarded-for')).to.equal('127.0.0.1, 127.0.0.1');
      expect(field(headers, 'traceparent')).to.equal(traceparent);
      expect(field(headers, 'x-forwarded-client-cert')).to.include(`URI=${SPIFFE}`);
      const byId = await start({ listener: { ...requiring(), trustedPeers: ['spiffe://mesh.test/ns/a/*'] } });
      expect(field(await through(byId), 'x-forwarded-for')).to.equal('127.0.0.1, 127.0.0.1');
      const another = await start({ listener: { ...requiring(), trustedPeers: ['spiffe://mesh.test/ns/b/*'] } });
      expect(field(await through(another), 'x-forwarded-for')).to.equal('127.0.0.1');

      const trusting = { ...requiring(), trustedPeers: ['spiffe://mesh.test/ns/a/*'] };
      const nearChat = await start({ endpoints: [chat.address], listener: trusting });
      const farChat = await start(cluster(`127.0.0.1:${nearChat.port}`));
      const socket = new WebSocket(`ws://127.0.0.1:${farChat.port}/ws`, { headers: { traceparent } });
      await once(socket, 'open');
      expect(asked).to.include({ traceparent, 'x-forwarded-for': '127.0.0.1, 127.0.0.1', 'x-forwarded-proto': 'http' });
      for (const text of ['hello', 'x'.repeat(200_000)]) {
        socket.send(text);
        expect(String((await once(socket, 'message'))[0])).to.equal(text);
      }
      socket.close(1000);
      expect((await once(socket, 'close'))[0]).to.equal(1000);
    } finally {
      await Promise.all(started.splice(0).map((sidecar) => sidecar.stop()));
      await chat.stop();
    }
  });

  describe('when certificates change on disk', () => {
    const connectTo = async (port: number, options: ConnectionOptions = {}): Promise<TLSSocket> => {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, ...options } as ConnectionOptions);
      await once(socket, 'secureConnect');
      return socket;
    };
    const shown = (socket: TLSSocket) => socket.getPeerX509Certificate()!.fingerprint256;

    it('shows the new one to new connections, under load, without one handshake that fails', async () => {
      const files = writePair(scratch.folder, 'swap', await authority.issue({ names: ['127.0.0.1'] }));
      const sidecar = await start({ listener: { tls: { certificates: [files] } } });
      const old = await connectTo(sidecar.port);
      let swapped = false;
      const seen = new Set<string>();
      const load = Array.from({ length: 4 }, async () => {
        for (let more = 5; more > 0; more -= swapped ? 1 : 0) {
          const socket = await connectTo(sidecar.port);
          seen.add(shown(socket));
          socket.destroy();
        }
      });
      writePair(scratch.folder, 'swap', await authority.issue({ names: ['127.0.0.1'] }));
      await eventually(() => sidecar.logs.some(({ message }) => message === 'certificates swapped'));
      swapped = true;
      await Promise.all(load);
      expect(seen.size).to.equal(2);
      old.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      expect(String((await once(old, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
      old.destroy();
    });

    it('resumes no session of before', async () => {
      const files = writePair(scratch.folder, 'ticket', await authority.issue({ names: ['127.0.0.1'] }));
      const sidecar = await start({ listener: { tls: { certificates: [files] } } });
      const first = await connectTo(sidecar.port, { maxVersion: 'TLSv1.2' });
      const session = first.getSession()!;
      first.destroy();
      writePair(scratch.folder, 'ticket', await authority.issue({ names: ['127.0.0.1'] }));
      // As SIGHUP does: the configuration says the same.
      expect(
        await sidecar.reload({ endpoints: [upstream.address], listener: { tls: { certificates: [files] } } }),
      ).to.equal('unchanged');
      const second = await connectTo(sidecar.port, { maxVersion: 'TLSv1.2', session });
      expect(second.isSessionReused()).to.equal(false);
      second.destroy();
    });

    it('asks for proofs of a changed clientCa, and resumes nobody whom the old one let in', async () => {
      const file = writeAuthority(scratch.folder, 'changing', authority);
      const listener = requiring({ clientCa: file });
      const sidecar = await start({ listener });
      const old = { cert: client.cert, key: client.key, maxVersion: 'TLSv1.2' as const };
      const first = await connectTo(sidecar.port, old);
      const session = first.getSession()!;
      const again = await connectTo(sidecar.port, { ...old, session });
      expect(again.isSessionReused()).to.equal(true);
      writeAuthority(scratch.folder, 'changing', stranger);
      await sidecar.reload({ endpoints: [upstream.address], listener });
      const late = await connectTo(sidecar.port, { ...old, session });
      expect(late.isSessionReused()).to.equal(false);
      expect(String((await once(late, 'data'))[0])).to.include('tls-client-certificate-unknown-ca');
      const other = await stranger.issue({ names: ['client.test'] });
      expect((await ask(sidecar.port, { cert: other.cert, key: other.key })).status).to.equal(200);
      // Who is in stays in.
      first.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      expect(String((await once(first, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
      for (const socket of [first, again, late]) socket.destroy();
    });

    const worse: readonly (readonly [what: string, write: (files: { cert: string; key: string }) => Promise<void>])[] =
      [
        ['mismatched', async ({ key }) => copyFileSync(ownFiles.key, key)],
        ['unreadable', async ({ cert }) => writeFileSync(cert, 'nothing')],
        [
          'expired',
          async () => {
            writePair(
              scratch.folder,
              'worse-expired',
              await authority.issue({ names: ['127.0.0.1'], since: 20, days: -10 }),
            );
          },
        ],
      ];
    for (const [what, write] of worse) {
      it(`keeps the old one where the new one is ${what}, and says so`, async () => {
        const files = writePair(scratch.folder, `worse-${what}`, await authority.issue({ names: ['127.0.0.1'] }));
        const listener = { tls: { certificates: [files] } };
        const sidecar = await start({ listener });
        const before = await connectTo(sidecar.port);
        const fingerprint = shown(before);
        before.destroy();
        await write({ cert: join(scratch.folder, `worse-${what}.crt`), key: files.key });
        await eventually(() =>
          sidecar.logs.some(({ message }) => message.startsWith('changed certificate files are refused')),
        );
        const after = await connectTo(sidecar.port);
        expect(shown(after)).to.equal(fingerprint);
        after.destroy();
        const [details] = sidecar.runtime.adminDetails
          .map((one) => one.listener?.(sidecar.runtime.listeners.get('inbound')!))
          .filter((one) => one !== undefined) as { tls: { refused?: { error: string } } }[];
        expect(details!.tls.refused?.error).to.include(scratch.folder);
      });
    }

    it('warns of a certificate that expires within 30 days', async () => {
      const files = writePair(scratch.folder, 'soon', await authority.issue({ names: ['127.0.0.1'], days: 20 }));
      const sidecar = await start({ listener: { tls: { certificates: [files] } } });
      const warning = sidecar.logs.find(({ message }) => message === 'a certificate expires soon');
      expect(warning?.['daysLeft']).to.be.oneOf([19, 20]);
    });
  });
});
