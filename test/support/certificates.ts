// Brings reflect-metadata, without which the library below does not load.
import '@outrigger/core';
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export { ExtendedKeyUsage };

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};
const DAY_MS = 24 * 3_600_000;

export interface CertificateOptions {
  readonly names?: readonly string[];
  readonly uris?: readonly string[];
  readonly commonName?: string;
  readonly rsa?: boolean;
  readonly days?: number;
  /** Days before now at which it began. */
  readonly since?: number;
  readonly uses?: readonly ExtendedKeyUsage[];
}

/** A certificate with its key, as PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
}

/** An authority that issues certificates for tests. */
export class Authority {
  readonly cert: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.cert = certificate.toString('pem');
  }

  static async create(name = 'test authority'): Promise<Authority> {
    const keys = await generate(false);
    const now = Date.now();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      notBefore: new Date(now - 400 * DAY_MS),
      notAfter: new Date(now + 400 * DAY_MS),
      signingAlgorithm: EC,
      keys: keys as never,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey as never),
      ],
    });
    return new Authority(certificate, keys as webcrypto.CryptoKeyPair);
  }

  async issue(options: CertificateOptions = {}): Promise<Pair> {
    const { names = [], uris = [], commonName, rsa = false, days = 90, since = 1 } = options;
    const { uses = [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth] } = options;
    const keys = await generate(rsa);
    const now = Date.now();
    const alternatives = [
      ...names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const), value })),
      ...uris.map((value) => ({ type: 'url' as const, value })),
    ];
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${commonName ?? names[0] ?? 'test'}, O=Outrigger`,
      issuer: this.#certificate.subject,
      notBefore: new Date(now - since * DAY_MS),
      notAfter: new Date(now + days * DAY_MS),
      signingAlgorithm: EC,
      publicKey: keys.publicKey as never,
      signingKey: this.#keys.privateKey as never,
      extensions: [
        new BasicConstraintsExtension(false),
        new ExtendedKeyUsageExtension([...uses]),
        ...(alternatives.length > 0 ? [new SubjectAlternativeNameExtension(alternatives)] : []),
        await AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    return {
      cert: certificate.toString('pem'),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      privateKey,
    };
  }
}

/** Writes `NAME.crt` and `NAME.key`, and tells where, as `certificates:` has it. */
export function writePair(folder: string, name: string, pair: Pair): { cert: string; key: string } {
  const cert = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  writeFileSync(cert, pair.cert);
  writeFileSync(key, pair.key);
  return { cert, key };
}

export function writeAuthority(folder: string, name: string, authority: Authority): string {
  const file = join(folder, `${name}.crt`);
  writeFileSync(file, authority.cert);
  return file;
}

async function generate(rsa: boolean) {
  return (await webcrypto.subtle.generateKey(rsa ? RSA : EC, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

/** Positive, and never the same twice. */
function serial(): string {
  return `01${randomBytes(15).toString('hex')}`;
}
