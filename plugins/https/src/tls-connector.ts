import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect } from 'node:tls';
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
  proveDirectTls,
  type Sidecar,
  secureStream,
} from '@outrigger/core';
import { daysLeft } from './certificate.ts';
import { ExpiryLog } from './expiry-log.ts';
import { explainCluster } from './explain.ts';
import { upstreamError } from './failure.ts';
import { FailureLog } from './failure-log.ts';
import { createOrigin, filesOf, type Origin } from './origin.ts';
import { Renewed } from './renewed.ts';
import { CLUSTER_TLS } from './schemas.ts';
import { type ClusterTls, clusterTls, type HttpsSettings } from './settings.ts';

interface Origination {
  readonly cluster: string;
  readonly settings: ClusterTls;
  readonly renewed: Renewed<Origin>;
}

/** Originates TLS towards endpoints. */
export class TlsConnector implements Connector, Lifecycle, AdminDetails {
  readonly name = 'tls';
  readonly schemas: NonNullable<AdminDetails['schemas']> = { cluster: { tls: CLUSTER_TLS } };
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sidecar: Sidecar;
  readonly #dialer: Dialer;
  readonly #failures: FailureLog;
  readonly #expiry: ExpiryLog;
  readonly #metrics: Metrics;
  readonly #done: ReturnType<Metrics['counter']>;
  readonly #failed: ReturnType<Metrics['counter']>;
  readonly #swaps: ReturnType<Metrics['counter']>;
  #collecting: Disposable | undefined;
  readonly #byName = new Map<string, Origination>();
  /** The same by the `tls:` of a generation: this is what is asked on a session's way. */
  readonly #bySettings = new WeakMap<object, Origination>();
  readonly #checked = new WeakMap<object, Origin>();

  constructor(
    clock: Clock,
    logger: Logger,
    metrics: Metrics,
    sidecar: Sidecar,
    dialer: Dialer,
    settings: HttpsSettings,
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#sidecar = sidecar;
    this.#dialer = dialer;
    this.#metrics = metrics;
    this.#failures = new FailureLog(clock, logger);
    this.#expiry = new ExpiryLog(clock, logger, settings.expiry.warning);
    this.#done = metrics.counter('outrigger_tls_upstream_handshakes_total', {
      doc: 'TLS handshakes with endpoints that succeeded; resumed ones took a session from before.',
      labels: ['cluster', 'resumed'],
    });
    this.#failed = metrics.counter('outrigger_tls_upstream_handshakes_failed_total', {
      doc: 'TLS handshakes with endpoints that failed, by cause.',
      labels: ['cluster', 'cause'],
    });
    this.#swaps = metrics.counter('outrigger_tls_upstream_certificate_changes_total', {
      doc: "Changes of clusters' certificate files that were taken on (swapped), or not (refused).",
      labels: ['cluster', 'result'],
    });
  }

  start(): void {
    const expiry = this.#metrics.gauge('outrigger_tls_upstream_certificate_expiry_timestamp_seconds', {
      doc: 'When the certificate expires that endpoints of a cluster are shown, in seconds since 1970.',
      unit: 's',
      labels: ['cluster', 'certificate'],
    });
    const refused = this.#metrics.gauge('outrigger_tls_upstream_certificate_refused', {
      doc: '1 where what the certificate files of a cluster hold now is not used, since it is not good.',
      labels: ['cluster'],
    });
    this.#adoptAll();
    this.#collecting = this.#metrics.onCollect(() => {
      for (const { cluster, renewed } of this.#byName.values()) {
        refused.with(cluster).set(renewed.refusal === undefined ? 0 : 1);
        const { own } = renewed.current;
        if (own !== undefined) expiry.with(cluster, own.file).set(own.notAfter / 1_000);
      }
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

  explain({ settings }: ClusterSpec): string[] {
    const tls = clusterTls(settings);
    return explainCluster(tls, createOrigin(tls).own);
  }

  key(cluster: Cluster): Origin {
    return this.#originationOf(cluster).renewed.current;
  }

  connect(endpoint: Endpoint, cluster: Cluster, sink: ConnectSink): ByteStream {
    const { settings, renewed } = this.#originationOf(cluster);
    const { context, sessions } = renewed.current;
    const { address } = endpoint;
    const name = settings.serverName ?? hostOf(address);
    const session = sessions.of(address, this.#clock.now());
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
    const stream = secureStream(socket);
    let connected = false;
    let secured = false;
    socket.once('connect', () => {
      connected = true;
    });
    socket.on('session', (latest: Buffer) => sessions.keep(address, latest, this.#clock.now()));
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
          sessions.drop(address);
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
    this.#adoptAll();
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
    this.#collecting?.[Symbol.dispose]();
    for (const { renewed } of this.#byName.values()) renewed.dispose();
    this.#byName.clear();
  }

  cluster({ name, settings }: Cluster): object | undefined {
    if (settings['tls'] === undefined) return undefined;
    const { verify, serverName, cert } = clusterTls(settings);
    const { refusal, current } = this.#byName.get(name)?.renewed ?? {};
    return {
      tls: {
        verify,
        ...(serverName && { serverName }),
        ...(cert && { cert }),
        ...(current?.own && {
          notAfter: new Date(current.own.notAfter).toISOString(),
          daysLeft: daysLeft(current.own, this.#clock.wallTime()),
        }),
        ...(refusal && { refused: { at: new Date(refusal.at).toISOString(), error: refusal.error } }),
      },
    };
  }

  /** Before a session asks: certificates are told of that no session has needed yet. */
  #adoptAll(): void {
    for (const cluster of this.#sidecar.clusterStates())
      if (cluster.settings['tls'] !== undefined) this.#originationOf(cluster);
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
        swapped: () => {
          this.#swaps.with(cluster, 'swapped').add();
          this.#logger.info('certificates swapped', { cluster });
        },
        refused: (error) => {
          this.#swaps.with(cluster, 'refused').add();
          this.#logger.error('changed certificate files are refused; what was in use stays', {
            cluster,
            error: error.message,
          });
        },
        looked: () => this.#looked(origination),
      }),
    };
    void proveDirectTls();
    this.#byName.set(cluster, origination);
    this.#bySettings.set(key, origination);
    this.#looked(origination);
    return origination;
  }

  /** Once a minute: people hear of a certificate that ends, and sessions of endpoints that are gone are dropped. */
  #looked({ cluster, renewed: { current } }: Origination): void {
    if (current.own !== undefined) this.#expiry.look({ cluster }, [current.own]);
    if (current.sessions.size === 0) return;
    for (const { name, endpoints } of this.#sidecar.clusterStates())
      if (name === cluster) current.sessions.prune(new Set(endpoints.map(({ address }) => address)), this.#clock.now());
  }

  /** TLS 1.3: an endpoint says only after the handshake that it does not like our certificate. */
  #refused(cluster: string, endpoint: string, { message }: Error): void {
    this.#failed.with(cluster, 'upstream-tls').add();
    this.#failures.tell('the endpoint ended TLS', { cluster }, 'upstream-tls', { endpoint, error: message });
  }
}

function hostOf(address: string): string {
  const where = parseAddress(address);
  return 'path' in where ? 'localhost' : (where.host ?? 'localhost');
}
