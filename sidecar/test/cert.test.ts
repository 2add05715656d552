import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { folderWith, outrigger } from './command-line.ts';

describe('outrigger cert', () => {
  const folder = folderWith({});
  after(() => folder.remove());
  const read = (name: string) => new X509Certificate(readFileSync(join(folder.path, name)));

  it('writes an authority and a certificate for localhost, and says how to use them', async () => {
    const { code, stdout } = await outrigger(['cert'], folder.path);
    expect(code).to.equal(0);
    expect(stdout).to.include('tls/localhost.crt').and.include('protocol: https').and.include('--cacert tls/ca.crt');
    const certificate = read('tls/localhost.crt');
    expect(certificate.checkIssued(read('tls/ca.crt'))).to.equal(true);
    expect(certificate.verify(read('tls/ca.crt').publicKey)).to.equal(true);
    expect(certificate.checkHost('localhost')).to.equal('localhost');
    expect(certificate.checkIP('127.0.0.1')).to.equal('127.0.0.1');
    expect(certificate.validToDate.getTime() - Date.now()).to.be.above(365 * 24 * 3_600_000);
    expect(statSync(join(folder.path, 'tls/ca.key')).mode & 0o077).to.equal(0);
  });

  it('uses the authority that is there, for hosts, wildcards and SPIFFE IDs', async () => {
    const before = readFileSync(join(folder.path, 'tls/ca.crt'), 'utf8');
    const names = ['a.test', '*.b.test', 'spiffe://dev/chat'];
    const { code, stdout } = await outrigger(['cert', '--out', 'tls', ...names], folder.path);
    expect(code).to.equal(0);
    expect(stdout).not.to.include('ca.key');
    expect(readFileSync(join(folder.path, 'tls/ca.crt'), 'utf8')).to.equal(before);
    expect(read('tls/a.test.crt').verify(read('tls/ca.crt').publicKey)).to.equal(true);
    expect(read('tls/wildcard.b.test.crt').checkHost('x.b.test')).to.equal('*.b.test');
    expect(read('tls/dev-chat.crt').subjectAltName).to.equal('URI:spiffe://dev/chat');
  });

  it('writes what check finds good', async () => {
    const { code } = await outrigger(['cert'], folder.path);
    expect(code).to.equal(0);
    const good = folderWith({
      'o.yaml': `listeners: { a: { protocol: https, bind: "127.0.0.1:0", cluster: app, tls: { certificates: [{ cert: ${folder.path}/tls/localhost.crt, key: ${folder.path}/tls/localhost.key }] } } }\nclusters: { app: { endpoints: ["127.0.0.1:1"] } }\n`,
    });
    const { code: checked, stderr } = await outrigger(['check', '-c', 'o.yaml'], good.path);
    good.remove();
    expect([checked, stderr]).to.deep.equal([0, '']);
  });
});
