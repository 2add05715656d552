import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
// It needs reflect-metadata, which inversify has brought by then (@outrigger/core).
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3_600_000;
const AUTHORITY_DAYS = 3_650;
/** Apple's systems take no longer one (398 days at most since 2020). */
const CERTIFICATE_DAYS = 397;

interface Authority {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** Writes an authority, where there is none, and certificates of it; resolves to what to tell about it. */
export async function writeCertificates(folder: string, names: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const written: [path: string, what: string][] = [];
  const write = (name: string, text: string, what: string, mode = 0o644) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode });
    written.push([path, what]);
  };
  const authority = existsSync(join(folder, 'ca.key')) ? await readAuthority(folder) : await makeAuthority(write);
  const wanted: [file: string, names: readonly string[]][] =
    names.length === 0
      ? [['localhost', ['localhost', '127.0.0.1', '::1']]]
      : names.map((name) => [fileOf(name), [name]]);
  for (const [file, alternatives] of wanted) {
    const { certificate, key } = await issue(authority, alternatives);
    write(`${file}.crt`, certificate, `certificate for ${alternatives.join(', ')}`);
    write(`${file}.key`, key, 'its private key', 0o600);
  }
  const width = Math.max(...written.map(([path]) => path.length));
  const [first] = wanted;
  return `${written.map(([path, what]) => `${path.padEnd(width)}  ${what}`).join('\n')}

A listener with it:
  protocol: https
  tls: { certificates: [{ cert: ${join(folder, `${first![0]}.crt`)}, key: ${join(folder, `${first![0]}.key`)} }] }
Clients that trust it:
  curl --cacert ${join(folder, 'ca.crt')} https://...
  NODE_EXTRA_CA_CERTS=${join(folder, 'ca.crt')} node ...
`;
}

async function makeAuthority(
  write: (name: string, text: string, what: string, mode?: number) => void,
): Promise<Authority> {
  const keys = await generate();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=Outrigger development authority',
    ...validity(AUTHORITY_DAYS),
    signingAlgorithm: EC,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  write('ca.crt', `${certificate.toString('pem')}\n`, 'the authority: what clients are to trust');
  write('ca.key', await pemOf(keys.privateKey), 'its private key: keep it to yourself', 0o600);
  return { certificate, key: keys.privateKey };
}

async function readAuthority(folder: string): Promise<Authority> {
  const certificate = new X509Certificate(readFileSync(join(folder, 'ca.crt'), 'utf8'));
  const der = createPrivateKey(readFileSync(join(folder, 'ca.key'))).export({ type: 'pkcs8', format: 'der' });
  return { certificate, key: await webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), EC, false, ['sign']) };
}

async function issue({ certificate: { subject, publicKey }, key }: Authority, names: readonly string[]) {
  const keys = await generate();
  const alternatives = names.map((value) => ({ type: typeOf(value), value }));
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    // A common name has 64 characters at most (RFC 5280 appendix A.1), and nobody reads it where there are others.
    subject: [{ CN: [names[0]!.slice(0, 64)] }],
    issuer: subject,
    ...validity(CERTIFICATE_DAYS),
    signingAlgorithm: EC,
    publicKey: keys.publicKey,
    signingKey: key,
    extensions: [
      new BasicConstraintsExtension(false),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(alternatives),
      await AuthorityKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

function typeOf(name: string): 'ip' | 'url' | 'dns' {
  if (isIP(name) !== 0) return 'ip';
  return name.includes('://') ? 'url' : 'dns';
}

/** `*.a.test` → `wildcard.a.test`; `spiffe://dev/chat` → `dev-chat`. Never out of the folder. */
function fileOf(name: string): string {
  return name
    .replace(/^[a-z]+:\/\//, '')
    .replace(/^\*/, 'wildcard')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^\.+/, '');
}

async function generate(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}

/** From an hour ago: clocks differ. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive, and never the same twice. */
function serial(): string {
  return `01${randomBytes(15).toString('hex')}`;
}
