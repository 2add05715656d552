import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
} from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import {
  type AdminDetails,
  type ByteStream,
  type Clock,
  type Cluster,
  type ClusterSpec,
  type Connector,
  type ConnectSink,
  type Dialer,
  type Endpoint,
  type Lifecycle,
  type Logger,
  type Metrics,
  OutriggerError,
  parseAddress,
  type Sidecar,
  SocketStream,
} from '@outrigger/core';
import { outOfTime, readAuthorities, readCertificate } from './certificate.ts';
import { upstreamError } from './failure.ts';
import { FailureLog } from './failure-log.ts';
import { Renewed } from './renewed.ts';
import { type ClusterTls, clusterTls } from './settings.ts';

/** What a cluster's connections are made with: another one after each change of its settings or files. */
interface Origin {
  readonly context: SecureContext;
  /** To resume, by address of the endpoint: the last one that it gave. */
  readonly sessions: Map<string, Buffer>;
}

interface Origination {
  readonly cluster: string;
  readonly settings: ClusterTls;
  readonly renewed: Renewed<Origin>;
}

/** Originates TLS towards endpoints. */
export class TlsConnector implements Connector, Lifecycle, AdminDetails {
  readonly name = 'tls';
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sidecar: Sidecar;
  readonly #dialer: Dialer;
  readonly #failures: FailureLog;
  readonly #done: ReturnType<Metrics['counter']>;
  readonly #failed: ReturnType<Metrics['counter']>;
  readonly #byName = new Map<string, Origination>();
  /** The same by the `tls:` of a generation: this is what is asked on a session's way. */
  readonly #bySettings = new WeakMap<object, Origination>();
  readonly #checked = new WeakMap<object, Origin>();

  constructor(clock: Clock, logger: Logger, metrics: Metrics, sidecar: Sidecar, dialer: Dialer) {
    this.#clock = clock;
    this.#logger = logger;
    this.#sidecar = sidecar;
    this.#dialer = dialer;
    this.#failures = new FailureLog(clock, logger);
    this.#done = metrics.counter('outrigger_tls_upstream_handshakes_total', {
      doc: 'TLS handshakes with endpoints that succeeded; resumed ones took a session from before.',
      labels: ['cluster', 'resumed'],
    });
    this.#failed = metrics.counter('outrigger_tls_upstream_handshakes_failed_total', {
      doc: 'TLS handshakes with endpoints that failed, by cause.',
      labels: ['cluster', 'cause'],
    });
  }

  check({ name, settings }: ClusterSpec): void {
    const tls = clusterTls(settings);
    this.#checked.set(settings['tls'] as object, createOrigin(tls));
    if (!tls.verify)
      this.#logger.warn(
        `cluster ${name}: tls.verify is false: any certificate is taken, and whoever sits between reads and changes all traffic`,
        { cluster: name },
      );
  }

  key(cluster: Cluster): Origin {
    return this.#originationOf(cluster).renewed.current;
  }

  connect(endpoint: Endpoint, cluster: Cluster, sink: ConnectSink): ByteStream {
    const { settings, renewed } = this.#originationOf(cluster);
    const { context, sessions } = renewed.current;
    const { address } = endpoint;
    const name = settings.serverName ?? hostOf(address);
    const session = sessions.get(address);
    const socket = this.#dialer.dial(endpoint, (options) =>
      connect({
        ...options,
        allowHalfOpen: true,
        secureContext: context,
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: settings.verify,
        // An IP address is no server name (RFC 6066 §3); certificates may be for one nevertheless.
        ...(isIP(name) === 0 && { servername: name }),
        checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
        ...(session !== undefined && { session }),
      } as ConnectionOptions & { readonly allowHalfOpen: true }),
    );
    // Not one byte leaves before the endpoint's certificate is known to be good.
    socket.cork();
    const stream = SocketStream.wrap(socket);
    let connected = false;
    let secured = false;
    socket.once('connect', () => {
      connected = true;
    });
    socket.on('session', (latest: Buffer) => sessions.set(address, latest));
    socket.once('secureConnect', () => {
      secured = true;
      this.#done.with(cluster.name, socket.isSessionReused() ? 'yes' : 'no').add();
      stream.read(sink);
      socket.uncork();
      sink.connected();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('ERR_SSL') && secured) this.#refused(cluster.name, address, error);
    });
    stream.read({
      bytes: (b, from, to) => sink.bytes(b, from, to),
      end: () => sink.end(),
      error: (error) => {
        const told = upstreamError(error, connected);
        if (told instanceof OutriggerError) {
          // A session that was refused is not offered again.
          sessions.delete(address);
          this.#failed.with(cluster.name, told.reason).add();
          this.#failures.tell('TLS handshake failed', { cluster: cluster.name }, told.reason, {
            endpoint: address,
            error: told.message,
          });
        }
        sink.error(told);
      },
      closed: () => sink.closed(),
    });
    return stream;
  }

  /** Looks at the files now, and forgets the clusters that are gone. */
  reload(): void {
    const kept = new Set([...this.#sidecar.clusterStates()].map(({ name }) => name));
    for (const [name, { renewed }] of this.#byName) {
      if (kept.has(name)) renewed.look();
      else {
        renewed.dispose();
        this.#byName.delete(name);
      }
    }
  }

  stop(): void {
    for (const { renewed } of this.#byName.values()) renewed.dispose();
    this.#byName.clear();
  }

  cluster({ name, settings }: Cluster): object | undefined {
    if (settings['tls'] === undefined) return undefined;
    const { verify, serverName, cert } = clusterTls(settings);
    const refusal = this.#byName.get(name)?.renewed.refusal;
    return {
      tls: {
        verify,
        ...(serverName && { serverName }),
        ...(cert && { cert }),
        ...(refusal && { refused: { at: new Date(refusal.at).toISOString(), error: refusal.error } }),
      },
    };
  }

  #originationOf({ name, settings }: Cluster): Origination {
    const key = settings['tls'] as object;
    return this.#bySettings.get(key) ?? this.#adopt(name, key, clusterTls(settings));
  }

  /** Settings that say the same are the same, whatever generation they are of: pooled connections stay. */
  #adopt(cluster: string, key: object, settings: ClusterTls): Origination {
    const before = this.#byName.get(cluster);
    if (before !== undefined && isDeepStrictEqual(before.settings, settings)) {
      this.#bySettings.set(key, before);
      return before;
    }
    before?.renewed.dispose();
    const origination: Origination = {
      cluster,
      settings,
      renewed: new Renewed<Origin>({
        files: filesOf(settings),
        first: this.#checked.get(key) ?? createOrigin(settings),
        clock: this.#clock,
        read: () => createOrigin(settings, this.#clock.wallTime()),
        swapped: () => this.#logger.info('certificates swapped', { cluster }),
        refused: (error) =>
          this.#logger.error('changed certificate files are refused; what was in use stays', {
            cluster,
            error: error.message,
          }),
      }),
    };
    this.#byName.set(cluster, origination);
    this.#bySettings.set(key, origination);
    return origination;
  }

  /** TLS 1.3: an endpoint says only after the handshake that it does not like our certificate. */
  #refused(cluster: string, endpoint: string, { message }: Error): void {
    this.#failed.with(cluster, 'upstream-tls').add();
    this.#failures.tell('the endpoint ended TLS', { cluster }, 'upstream-tls', { endpoint, error: message });
  }
}

/** Throws an Error that names the file. `now`: what is out of time is refused, too. */
function createOrigin(settings: ClusterTls, now?: number): Origin {
  const { ca, cert, key, passphrase, passphraseFile } = settings;
  if ((cert === undefined) !== (key === undefined))
    throw new Error('tls.cert and tls.key belong together; one is missing');
  const own =
    cert === undefined
      ? undefined
      : readCertificate({
          cert,
          key: key!,
          ...(passphrase !== undefined && { passphrase }),
          ...(passphraseFile !== undefined && { passphraseFile }),
        });
  const wrong = own === undefined || now === undefined ? undefined : outOfTime(own, now);
  if (wrong !== undefined) throw new Error(`the certificate in ${cert} ${wrong}`);
  const context = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca: readAuthorities(ca) }),
    ...(own !== undefined && { cert: own.cert, key: own.key }),
  });
  return { context, sessions: new Map() };
}

function filesOf({ ca, cert, key, passphraseFile }: ClusterTls): string[] {
  return [ca, cert, key, passphraseFile].filter((file) => file !== undefined);
}

function hostOf(address: string): string {
  const where = parseAddress(address);
  return 'path' in where ? 'localhost' : (where.host ?? 'localhost');
}
