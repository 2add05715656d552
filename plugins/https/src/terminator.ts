import { constants, createHash, randomBytes } from 'node:crypto';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { type Certificate, readAuthorities, readCertificate } from './certificate.ts';
import { type Demand, demandOf, type ListenerTls } from './settings.ts';

/** What a listener's files hold. */
export interface Material {
  /** In the order of the settings. */
  readonly certificates: readonly Certificate[];
  /** By file. */
  readonly authorities: ReadonlyMap<string, readonly string[]>;
}

/** What is done for those who ask for a name: a server that wraps their sockets. */
export interface Termination {
  readonly server: Server;
  readonly demand: Demand;
  /** One of each type of key, RSA beside EC: OpenSSL chooses by what the client can read. */
  readonly shown: readonly Certificate[];
  /** Whether requests must name the host that the handshake named. */
  readonly strict: boolean;
}

/** Throws an Error that names the file. */
export function readMaterial(settings: ListenerTls): Material {
  const demands = settings.certificates.map((one) => demandOf(settings, one));
  for (const { clientAuth, clientCa } of demands)
    if (clientAuth !== 'none' && clientCa === undefined)
      throw new Error(`tls.clientAuth: ${clientAuth} needs tls.clientCa`);
  const files = new Set(demands.map(({ clientCa }) => clientCa).filter((file) => file !== undefined));
  return {
    certificates: settings.certificates.map(readCertificate),
    authorities: new Map([...files].map((file) => [file, readAuthorities(file)])),
  };
}

export function filesOf({ certificates, clientCa }: ListenerTls): string[] {
  const files = certificates.flatMap((one) => [one.cert, one.key, one.passphraseFile, one.clientCa]);
  return [...files, clientCa].filter((file) => file !== undefined);
}

const SESSION_LIFETIME_S = 2 * 3_600;

/**
 * Terminates for one listener, with one key for all session tickets. To change anything, make another one: connections of the
 * old one go on, its tickets are worth nothing. Node's own choice by name (SNICallback) hands over one certificate alone, and
 * asks all for the same; so each name has a server of its own, chosen before TLS begins.
 */
export class Terminator {
  readonly #byName = new Map<string, Termination>();
  readonly #default: Termination;

  constructor(listener: string, settings: ListenerTls, material: Material) {
    const { certificates } = material;
    const demands = new Map(certificates.map((one, i) => [one, demandOf(settings, settings.certificates[i]!)]));
    const strict = settings.strictSni || new Set([...demands.values()].map(keyOf)).size > 1;
    const ticketKeys = randomBytes(48);
    const made = new Map<string, Termination>();
    const terminationFor = (shown: readonly Certificate[]): Termination => {
      const key = shown.map(({ fingerprint256, file }) => `${fingerprint256} ${file}`).join();
      let termination = made.get(key);
      if (termination === undefined) {
        const demand = demands.get(shown[0]!)!;
        const server = createServer(serverOptions(listener, settings, demand, material, shown, ticketKeys));
        termination = { server, demand, shown, strict };
        made.set(key, termination);
      }
      return termination;
    };
    const shownFor = byNames(certificates, (one, other) => keyOf(demands.get(one)!) === keyOf(demands.get(other)!));
    for (const [name, shown] of shownFor) this.#byName.set(name, terminationFor(shown));
    const [first] = certificates;
    this.#default = this.#byName.get(first!.names[0] ?? '') ?? terminationFor([first!]);
  }

  get all(): Iterable<Termination> {
    return new Set([this.#default, ...this.#byName.values()]);
  }

  /** By the exact name, then the wildcard of its first label (RFC 6125 §6.4.3), then that of the first certificate. */
  of(serverName: string): Termination {
    const exact = this.#byName.get(serverName);
    if (exact !== undefined) return exact;
    const dot = serverName.indexOf('.');
    return (dot < 1 ? undefined : this.#byName.get(`*${serverName.slice(dot)}`)) ?? this.#default;
  }
}

/** For each name the first certificate that has it, with the first one of each other type of key that asks the same. */
function byNames(
  certificates: readonly Certificate[],
  asksTheSame: (one: Certificate, other: Certificate) => boolean,
): Map<string, Certificate[]> {
  const shownFor = new Map<string, Certificate[]>();
  for (const one of certificates)
    for (const name of one.names) {
      const shown = shownFor.get(name);
      if (shown === undefined) shownFor.set(name, [one]);
      else if (shown.every(({ keyType }) => keyType !== one.keyType) && asksTheSame(shown[0]!, one)) shown.push(one);
    }
  return shownFor;
}

function serverOptions(
  listener: string,
  { minVersion, ciphers, curves }: ListenerTls,
  demand: Demand,
  { authorities }: Material,
  shown: readonly Certificate[],
  ticketKeys: Buffer,
): TlsOptions {
  const ca = demand.clientCa === undefined ? undefined : authorities.get(demand.clientCa);
  return {
    minVersion,
    ciphers,
    ecdhCurve: curves,
    honorCipherOrder: false,
    // A handshake costs a client far less than us: it gets one a connection.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // Who was asked for less resumes nothing where more is asked for.
    sessionIdContext: digest(`${listener} ${keyOf(demand)}`),
    sessionTimeout: SESSION_LIFETIME_S,
    ticketKeys,
    cert: shown.map(({ cert }) => cert),
    key: shown.map(({ key }) => key),
    ...(ca !== undefined && { ca: [...ca] }),
    ALPNProtocols: ['http/1.1'],
    requestCert: demand.clientAuth !== 'none',
    // Judged by us, so that the client is told.
    rejectUnauthorized: false,
  };
}

function keyOf({ clientAuth, clientCa }: Demand): string {
  return `${clientAuth} ${clientCa ?? ''}`;
}

/** 32 bytes, which is as many as a session ID context takes. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
