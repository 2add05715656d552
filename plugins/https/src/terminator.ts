import { randomBytes } from 'node:crypto';
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
} from 'node:tls';
import { type Certificate, readAuthorities, readCertificate } from './certificate.ts';
import type { ListenerTls } from './settings.ts';

/** What a listener's files hold. */
export interface Material {
  readonly certificates: readonly Certificate[];
  readonly authorities: readonly string[] | undefined;
}

/** Throws an Error that names the file. */
export function readMaterial({ certificates, clientCa, clientAuth }: ListenerTls): Material {
  if (clientAuth !== 'none' && clientCa === undefined)
    throw new Error(`tls.clientAuth: ${clientAuth} needs tls.clientCa`);
  return {
    certificates: certificates.map(readCertificate),
    authorities: clientCa === undefined ? undefined : readAuthorities(clientCa),
  };
}

export function filesOf({ certificates, clientCa }: ListenerTls): string[] {
  const pairs = certificates.flatMap(({ cert, key, passphraseFile }) => [
    cert,
    key,
    ...(passphraseFile ? [passphraseFile] : []),
  ]);
  return clientCa === undefined ? pairs : [...pairs, clientCa];
}

/** Sessions of one listener are not resumed on another: its clients may have been asked for other proofs. */
const SESSION_LIFETIME_S = 2 * 3_600;

/**
 * A server that wraps sockets: one secure context for each certificate, shared by all connections, and one key for the session
 * tickets of all of them. To change anything, make another one: connections of the old one go on, its tickets are worth nothing.
 */
export function createTerminator(name: string, settings: ListenerTls, { certificates, authorities }: Material): Server {
  const ticketKeys = randomBytes(48);
  const sessionIdContext = createSessionIdContext(name);
  const contexts = new Map<string, SecureContext>();
  const common: SecureContextOptions = {
    minVersion: settings.minVersion,
    ciphers: settings.ciphers,
    ecdhCurve: settings.curves,
    honorCipherOrder: false,
    sessionIdContext,
    sessionTimeout: SESSION_LIFETIME_S,
    ticketKeys,
    ...(authorities !== undefined && { ca: [...authorities] }),
  };
  const optionsFor = (shown: readonly Certificate[]): SecureContextOptions => ({
    ...common,
    cert: shown.map(({ cert }) => cert),
    key: shown.map(({ key }) => key),
  });
  const contextFor = (shown: readonly Certificate[]): SecureContext => {
    const key = shown.map(({ fingerprint256 }) => fingerprint256).join();
    let context = contexts.get(key);
    if (context === undefined) {
      context = createSecureContext(optionsFor(shown));
      contexts.set(key, context);
    }
    return context;
  };
  const [first] = certificates;
  // Those of the first one's names: an RSA and an EC certificate for the same host are both there for those who ask for none.
  const byDefault = first!.names.length === 0 ? [first!] : sharing(certificates, first!.names[0]!);
  // Node (24.21) hands over one certificate alone of the context that a name chooses: only the default one can have several.
  const isDefault = (shown: readonly Certificate[]) =>
    shown.length === byDefault.length && shown.every((one, i) => one === byDefault[i]);
  const byName = new Map(
    [...namesOf(certificates)].map(([one, shown]) => [one, isDefault(shown) ? undefined : contextFor([shown[0]!])]),
  );
  return createServer({
    ...optionsFor(byDefault),
    ALPNProtocols: ['http/1.1'],
    requestCert: settings.clientAuth !== 'none',
    // Judged by us, so that the client is told.
    rejectUnauthorized: false,
    SNICallback: (serverName, done) => done(null, lookUp(byName, serverName.toLowerCase())),
  });
}

/** The exact name, then the wildcard of its first label (RFC 6125 §6.4.3). */
export function lookUp<T>(byName: ReadonlyMap<string, T>, serverName: string): T | undefined {
  if (byName.has(serverName)) return byName.get(serverName);
  const dot = serverName.indexOf('.');
  return dot < 1 ? undefined : byName.get(`*${serverName.slice(dot)}`);
}

/** For each name the certificates that are shown for it: the first one of each type of key. */
function namesOf(certificates: readonly Certificate[]): Map<string, readonly Certificate[]> {
  const names = new Set(certificates.flatMap((one) => one.names));
  return new Map([...names].map((name) => [name, sharing(certificates, name)]));
}

function sharing(certificates: readonly Certificate[], name: string): Certificate[] {
  const shown: Certificate[] = [];
  for (const one of certificates) {
    if (one.names.includes(name) && !shown.some(({ keyType }) => keyType === one.keyType)) shown.push(one);
  }
  return shown;
}

/** At most 32 bytes. */
function createSessionIdContext(name: string): string {
  return Buffer.from(`outrigger:${name}`).toString('hex').slice(0, 32);
}
