import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { type Pair, writePair } from '../support/certificates.ts';
import { meshForSuite, SPIFFE } from '../support/mesh.ts';
import { field } from '../support/upstreams.ts';

describe('mutual TLS of a client', () => {
  const mesh = meshForSuite();

  it('tells hooks and upstream whom the client proved to be', async () => {
    const seen: unknown[] = [];
    const { port } = await mesh.start({
      listener: mesh.requiring(),
      hooks: { onConnection: ({ peer }) => void seen.push(peer.tls?.certificate) },
    });
    const headers = { 'x-forwarded-client-cert': 'Hash=forged' };
    const { echo } = await mesh.ask(port, { cert: mesh.client.cert, key: mesh.client.key, headers });
    const [certificate] = seen as [{ subject: string; spiffeId: string; fingerprint256: string; pem: string }];
    expect(certificate.subject).to.equal('O=Outrigger,CN=client');
    expect(certificate.spiffeId).to.equal(SPIFFE);
    expect(certificate.pem.trim()).to.equal(mesh.client.cert.trim());
    const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    const said = echo.headers.filter((_, i) => echo.headers[i - 1]?.toLowerCase() === 'x-forwarded-client-cert');
    expect(said).to.deep.equal([`Hash=${hash};Subject="O=Outrigger,CN=client";URI=${SPIFFE};DNS=client.test`]);
  });

  it('tells upstream by whose URI it was let in, and the chain where it is asked for', async () => {
    const ours = await mesh.authority.issue({ names: ['127.0.0.1'], uris: ['spiffe://mesh.test/ns/a/sa/app'] });
    const files = [writePair(mesh.scratch.folder, 'named', ours)];
    const { port } = await mesh.start({
      listener: { ...mesh.requiring({ certificates: files }), clientCertificateDetails: ['uri', 'cert', 'chain'] },
    });
    const { echo } = await mesh.ask(port, { cert: mesh.client.cert, key: mesh.client.key });
    const parts = field(echo.headers, 'x-forwarded-client-cert')!.split(';');
    expect(parts.map((part) => part.split('=')[0])).to.deep.equal(['By', 'Hash', 'Cert', 'Chain', 'URI']);
    expect(parts[0]).to.equal('By=spiffe://mesh.test/ns/a/sa/app');
    for (const part of parts.slice(2, 4))
      expect(decodeURIComponent(part.replace(/^\w+="(.*)"$/, '$1')).trim()).to.equal(mesh.client.cert.trim());
  });

  it('adds what a client proved to what one who is trusted says of those before it', async () => {
    const headers = { 'x-forwarded-client-cert': 'Hash=before' };
    const told = async (trustedPeers: readonly string[]) => {
      const { port } = await mesh.start({ listener: { ...mesh.requiring(), trustedPeers } });
      const { echo } = await mesh.ask(port, { cert: mesh.client.cert, key: mesh.client.key, headers });
      return field(echo.headers, 'x-forwarded-client-cert');
    };
    expect(await told(['spiffe://mesh.test/*'])).to.match(/^Hash=before,Hash=[0-9a-f]{64};/);
    expect(await told(['spiffe://mesh.test/ns/b/*'])).to.match(/^Hash=[0-9a-f]{64};[^,]*,CN=client"/);
  });

  it('strips x-forwarded-client-cert also of a trusted network, where no certificate was proved', async () => {
    const { port } = await mesh.start({
      listener: { ...mesh.requiring({ clientAuth: 'request' }), trustedPeers: ['127.0.0.0/8'] },
    });
    const { echo } = await mesh.ask(port, { headers: { 'X-Forwarded-Client-Cert': 'Hash=forged' } });
    expect(field(echo.headers, 'x-forwarded-client-cert')).to.equal(undefined);
  });

  it('asks for certificates by the name that the client wants, and holds requests to that name', async () => {
    const open = await mesh.issue('open', { names: ['open.test', '127.0.0.1'] });
    const closed = await mesh.issue('closed', { names: ['closed.test'] });
    const { port } = await mesh.start({
      listener: { tls: { certificates: [open, { ...closed, clientCa: mesh.ca, clientAuth: 'require' }] } },
    });
    const status = async (servername: string, host: string, more: object = {}) =>
      (await mesh.ask(port, { servername, headers: { host }, ...more })).status;
    const proof = { cert: mesh.client.cert, key: mesh.client.key };
    expect(await status('open.test', 'open.test')).to.equal(200);
    expect(await status('closed.test', 'closed.test')).to.equal(400);
    expect(await status('closed.test', 'closed.test', proof)).to.equal(200);
    // In by the open door, and then to the closed one.
    expect(await status('open.test', 'closed.test')).to.equal(421);
    expect(await status('open.test', 'closed.test', proof)).to.equal(421);
  });

  it('lets nobody hide the name behind more than is looked at', async () => {
    const open = await mesh.issue('open', { names: ['open.test'] });
    const closed = await mesh.issue('closed', { names: ['closed.test'] });
    const sidecar = await mesh.start({
      listener: { tls: { certificates: [open, { ...closed, clientCa: mesh.ca, clientAuth: 'require' }] } },
    });
    const long = Array.from({ length: 80 }, (_, i) => `${i}`.padEnd(250, 'x'));
    const to = async (servername: string): Promise<string> => {
      const options = {
        port: sidecar.port,
        host: '127.0.0.1',
        ca: mesh.authority.cert,
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
    expect(sidecar.logs.find(({ message }) => message === 'TLS handshake failed')?.['cause']).to.equal('tls-handshake');
  });

  it('resumes no session of a name that asked for less', async () => {
    const names = ['lax.test', 'strict.test'];
    const files = await Promise.all(names.map((name) => mesh.issue(name, { names: [name] })));
    const { port } = await mesh.start({
      listener: { tls: { certificates: [files[0], { ...files[1], clientCa: mesh.ca, clientAuth: 'require' }] } },
    });
    const to = async (servername: string, more: ConnectionOptions = {}): Promise<TLSSocket> => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        ca: mesh.authority.cert,
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
    const { port } = await mesh.start({ listener: mesh.requiring({ clientAuth: 'request' }) });
    const { status, echo } = await mesh.ask(port, { headers: { 'X-Forwarded-Client-Cert': 'Hash=forged' } });
    expect(status).to.equal(200);
    expect(field(echo.headers, 'x-forwarded-client-cert')).to.equal(undefined);
  });

  const refused: readonly (readonly [what: string, cause: string, pair: () => Promise<Partial<Pair>>])[] = [
    ['without a certificate', 'tls-client-certificate-missing', async () => ({})],
    [
      'of an authority that nobody knows',
      'tls-client-certificate-unknown-ca',
      () => mesh.stranger.issue({ names: ['client.test'] }),
    ],
    [
      'whose certificate has expired',
      'tls-client-certificate-expired',
      () => mesh.authority.issue({ names: ['client.test'], since: 20, days: -10 }),
    ],
  ];
  for (const [what, cause, pair] of refused) {
    it(`answers one ${what} with 400 and the reason, and disturbs nobody`, async () => {
      const sidecar = await mesh.start({ listener: mesh.requiring() });
      const { cert, key } = await pair();
      const { status, text } = await mesh.ask(sidecar.port, cert === undefined ? {} : { cert, key });
      expect(status).to.equal(400);
      expect(text).to.include(`${cause}: `);
      const logged = sidecar.logs.filter(({ message }) => message === 'TLS handshake failed');
      expect(logged.map((line) => line['cause'])).to.deep.equal([cause]);
      expect((await mesh.ask(sidecar.port, { cert: mesh.client.cert, key: mesh.client.key })).status).to.equal(200);
    });
  }

  it('answers a request for another host than that of the handshake with 421 where strictSni says so', async () => {
    const strict = await mesh.start({ listener: { tls: { certificates: mesh.certificates, strictSni: true } } });
    const status = async (servername: string, host: string) =>
      (await mesh.ask(strict.port, { servername, headers: { host } })).status;
    expect(await status('app.test', 'app.test:8443')).to.equal(200);
    expect(await status('app.test', 'other.test')).to.equal(421);
    const lax = await mesh.start({ listener: { tls: { certificates: mesh.certificates } } });
    expect((await mesh.ask(lax.port, { servername: 'app.test', headers: { host: 'other.test' } })).status).to.equal(
      200,
    );
  });
});
