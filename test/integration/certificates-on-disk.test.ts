import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { writeAuthority } from '../support/certificates.ts';
import { meshForSuite } from '../support/mesh.ts';
import { eventually } from '../support/virtual-time.ts';

describe('mutual TLS when certificates change on disk', () => {
  const mesh = meshForSuite();
  const connectTo = async (port: number, options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connect({ port, host: '127.0.0.1', ca: mesh.authority.cert, ...options } as ConnectionOptions);
    await once(socket, 'secureConnect');
    return socket;
  };
  const shown = (socket: TLSSocket) => socket.getPeerX509Certificate()!.fingerprint256;

  it('shows the new one to new connections, under load, without one handshake that fails', async () => {
    const files = await mesh.issue('swap', { names: ['127.0.0.1'] });
    const sidecar = await mesh.start({ listener: { tls: { certificates: [files] } } });
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
    await mesh.issue('swap', { names: ['127.0.0.1'] });
    await eventually(() => sidecar.logs.some(({ message }) => message === 'certificates swapped'));
    swapped = true;
    await Promise.all(load);
    expect(seen.size).to.equal(2);
    old.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(String((await once(old, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
    old.destroy();
  });

  it('resumes no session of before', async () => {
    const files = await mesh.issue('ticket', { names: ['127.0.0.1'] });
    const sidecar = await mesh.start({ listener: { tls: { certificates: [files] } } });
    const first = await connectTo(sidecar.port, { maxVersion: 'TLSv1.2' });
    const session = first.getSession()!;
    first.destroy();
    await mesh.issue('ticket', { names: ['127.0.0.1'] });
    // As SIGHUP does: the configuration says the same.
    expect(
      await sidecar.reload({ endpoints: [mesh.upstream.address], listener: { tls: { certificates: [files] } } }),
    ).to.equal('unchanged');
    const second = await connectTo(sidecar.port, { maxVersion: 'TLSv1.2', session });
    expect(second.isSessionReused()).to.equal(false);
    second.destroy();
  });

  it('asks for proofs of a changed clientCa, and resumes nobody whom the old one let in', async () => {
    const file = writeAuthority(mesh.scratch.folder, 'changing', mesh.authority);
    const listener = mesh.requiring({ clientCa: file });
    const sidecar = await mesh.start({ listener });
    const old = { cert: mesh.client.cert, key: mesh.client.key, maxVersion: 'TLSv1.2' as const };
    const first = await connectTo(sidecar.port, old);
    const session = first.getSession()!;
    const again = await connectTo(sidecar.port, { ...old, session });
    expect(again.isSessionReused()).to.equal(true);
    writeAuthority(mesh.scratch.folder, 'changing', mesh.stranger);
    await sidecar.reload({ endpoints: [mesh.upstream.address], listener });
    const late = await connectTo(sidecar.port, { ...old, session });
    expect(late.isSessionReused()).to.equal(false);
    expect(String((await once(late, 'data'))[0])).to.include('tls-client-certificate-unknown-ca');
    const other = await mesh.stranger.issue({ names: ['client.test'] });
    expect((await mesh.ask(sidecar.port, { cert: other.cert, key: other.key })).status).to.equal(200);
    // Who is in stays in.
    first.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(String((await once(first, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
    for (const socket of [first, again, late]) socket.destroy();
  });

  const worse: readonly (readonly [what: string, write: (files: { cert: string; key: string }) => Promise<unknown>])[] =
    [
      ['mismatched', async ({ key }) => copyFileSync(mesh.ownFiles.key, key)],
      ['unreadable', async ({ cert }) => writeFileSync(cert, 'nothing')],
      ['expired', () => mesh.issue('worse-expired', { names: ['127.0.0.1'], since: 20, days: -10 })],
    ];
  for (const [what, write] of worse) {
    it(`keeps the old one where the new one is ${what}, and says so`, async () => {
      const files = await mesh.issue(`worse-${what}`, { names: ['127.0.0.1'] });
      const listener = { tls: { certificates: [files] } };
      const sidecar = await mesh.start({ listener });
      const before = await connectTo(sidecar.port);
      const fingerprint = shown(before);
      before.destroy();
      await write(files);
      await eventually(() =>
        sidecar.logs.some(({ message }) => message.startsWith('changed certificate files are refused')),
      );
      const after = await connectTo(sidecar.port);
      expect(shown(after)).to.equal(fingerprint);
      after.destroy();
      const [details] = sidecar.runtime.adminDetails
        .map((one) => one.listener?.(sidecar.runtime.listeners.get('inbound')!))
        .filter((one) => one !== undefined) as { tls: { refused?: { error: string } } }[];
      expect(details!.tls.refused?.error).to.include(mesh.scratch.folder);
    });
  }

  it('warns of a certificate that expires within 30 days', async () => {
    const files = await mesh.issue('soon', { names: ['127.0.0.1'], days: 20 });
    const sidecar = await mesh.start({ listener: { tls: { certificates: [files] } } });
    const warning = sidecar.logs.find(({ message }) => message === 'a certificate expires soon');
    expect(warning?.['daysLeft']).to.be.oneOf([19, 20]);
  });
});
