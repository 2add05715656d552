import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateSettings } from './settings.ts';

const DAY_MS = 24 * 3_600_000;

/** A certificate with its key, read from its files and found good. Immutable. */
export interface Certificate {
  readonly file: string;
  /** The chain as it stands in the file, and the key, decrypted. */
  readonly cert: string;
  readonly key: string;
  /** `rsa`, `ec`, `ed25519`. */
  readonly keyType: string;
  /** In lower case; `*.example.com` stands for one label. */
  readonly names: readonly string[];
  /** A SPIFFE ID, say. */
  readonly uris: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  readonly fingerprint256: string;
  /** Wall-clock milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Reads a pair. Throws an Error that names the file and says what is wrong with it; never quotes it. */
export function readCertificate(settings: CertificateSettings): Certificate {
  const cert = readText(settings.cert);
  const chain = certificatesIn(cert, settings.cert);
  const x509 = chain[0]!;
  const privateKey = readKey(settings);
  if (!x509.checkPrivateKey(privateKey))
    throw new Error(`${settings.key} is not the key of the certificate in ${settings.cert}`);
  const alternatives = alternativeNames(x509);
  const named = alternatives.filter((name) => name.startsWith('DNS:')).map((name) => name.slice(4).toLowerCase());
  // RFC 6125 §6.4.4: a common name counts only where there is no alternative one.
  const common = /^CN=(.+)$/m.exec(x509.subject ?? '')?.[1]?.toLowerCase();
  return {
    file: settings.cert,
    cert,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    keyType: x509.publicKey.asymmetricKeyType ?? 'unknown',
    names: alternatives.length > 0 || common === undefined ? named : [common],
    uris: alternatives.filter((name) => name.startsWith('URI:')).map((name) => name.slice(4)),
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    fingerprint256: x509.fingerprint256,
    notBefore: x509.validFromDate.getTime(),
    notAfter: x509.validToDate.getTime(),
  };
}

/** The authorities of a file. Throws as {@link readCertificate} does. */
export function readAuthorities(file: string): string[] {
  return certificatesIn(readText(file), file).map((one) => one.toString());
}

/** Whether it is good now: `expired`, `not valid yet`; undefined where it is. */
export function outOfTime({ notBefore, notAfter }: Certificate, now: number): string | undefined {
  if (now > notAfter) return `expired on ${new Date(notAfter).toISOString()}`;
  if (now < notBefore) return `is not valid before ${new Date(notBefore).toISOString()}`;
  return undefined;
}

/** Negative once it is over. */
export function daysLeft({ notAfter }: Certificate, now: number): number {
  return Math.floor((notAfter - now) / DAY_MS);
}

/** `DNS:a.example`, `URI:spiffe://mesh/a`, `IP Address:10.0.0.1`. Node quotes names that hold a comma or a quote as JSON does. */
export function alternativeNames({ subjectAltName }: X509Certificate): string[] {
  if (subjectAltName === undefined) return [];
  const names: string[] = [];
  for (const [, kind, quoted, plain] of subjectAltName.matchAll(
    /(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g,
  ))
    names.push(`${kind}:${quoted === undefined ? plain : (JSON.parse(quoted) as string)}`);
  return names;
}

/** Node's lines, as RFC 2253 has them: the last one first. */
export function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').reverse().join(',');
}

function readKey({ key, passphrase, passphraseFile }: CertificateSettings) {
  const secret = passphraseFile === undefined ? passphrase : readText(passphraseFile).split(/\r?\n/, 1)[0]!;
  try {
    return createPrivateKey({ key: readText(key), ...(secret !== undefined && { passphrase: secret }) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE')
      throw new Error(`${key} is encrypted; passphrase or passphraseFile is missing`);
    if (secret !== undefined) throw new Error(`${key} cannot be read with the passphrase that was given`);
    if (error instanceof FileError) throw error;
    throw new Error(`${key} holds no private key that can be read (PEM)`);
  }
}

function certificatesIn(pem: string, file: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error(`${file} holds no certificate (PEM)`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new Error(`${file} holds a certificate that cannot be read`);
  }
}

class FileError extends Error {}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FileError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
