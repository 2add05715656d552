import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import {
  type AdminDetails,
  type Clock,
  type Counter,
  type Lifecycle,
  type ListenerInfo,
  type ListenerSpec,
  type Logger,
  type Metrics,
  type OutriggerError,
  proveDirectTls,
  type Sidecar,
  type Transport,
} from '@outrigger/core';
import { daysLeft, outOfTime } from './certificate.ts';
import { ExpiryLog } from './expiry-log.ts';
import { explainListener } from './explain.ts';
import { FailureLog } from './failure-log.ts';
import { Handshake, listenTo, type Secured } from './handshake.ts';
import { Renewed } from './renewed.ts';
import { LISTENER_TLS } from './schemas.ts';
import { type HttpsSettings, type ListenerTls, listenerTls } from './settings.ts';
import { filesOf, type Material, readMaterial, Terminator } from './terminator.ts';

/** What a listener terminates with. */
interface Terminated {
  readonly name: string;
  readonly settings: ListenerTls;
  readonly renewed: Renewed<Material>;
  terminator: Terminator;
  /** Clock milliseconds at which the key of its tickets came into use. */
  keyedAt: number;
}

/** Terminates TLS on the sockets that core has accepted. */
export class TlsTransport implements Transport, Lifecycle, AdminDetails {
  readonly name = 'tls';
  readonly schemas: NonNullable<AdminDetails['schemas']> = { listener: { tls: LISTENER_TLS } };
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sidecar: Sidecar;
  readonly #settings: HttpsSettings;
  readonly #failures: FailureLog;
  readonly #expiry: ExpiryLog;
  readonly #terminations = new Map<string, Terminated>();
  /** What `check` has read, for who takes the settings on. */
  readonly #checked = new WeakMap<object, Material>();
  /** Handshakes under way, the oldest first. */
  readonly #pending = new Set<Handshake>();
  readonly #metrics: Metrics;
  readonly #done: ReturnType<Metrics['counter']>;
  readonly #failed: ReturnType<Metrics['counter']>;
  readonly #swaps: ReturnType<Metrics['counter']>;
  readonly #counters = new Map<string, Counter>();
  #collecting: Disposable | undefined;

  constructor(clock: Clock, logger: Logger, metrics: Metrics, sidecar: Sidecar, settings: HttpsSettings) {
    this.#clock = clock;
    this.#logger = logger;
    this.#sidecar = sidecar;
    this.#settings = settings;
    this.#metrics = metrics;
    this.#failures = new FailureLog(clock, logger);
    this.#expiry = new ExpiryLog(clock, logger, settings.expiry.warning);
    this.#done = metrics.counter('outrigger_tls_handshakes_total', {
      doc: 'TLS handshakes with clients that succeeded; resumed ones took a session from before.',
      labels: ['listener', 'version', 'resumed'],
    });
    this.#failed = metrics.counter('outrigger_tls_handshakes_failed_total', {
      doc: 'TLS handshakes with clients that failed, by cause.',
      labels: ['listener', 'cause'],
    });
    this.#swaps = metrics.counter('outrigger_tls_certificate_changes_total', {
      doc: 'Changes of certificate files that were taken on (swapped), or not (refused).',
      labels: ['listener', 'result'],
    });
  }

  start(): void {
    const expiry = this.#metrics.gauge('outrigger_tls_certificate_expiry_timestamp_seconds', {
      doc: 'When a certificate in use expires, in seconds since 1970.',
      unit: 's',
      labels: ['listener', 'certificate'],
    });
    const refused = this.#metrics.gauge('outrigger_tls_certificate_refused', {
      doc: '1 where what the certificate files of a listener hold now is not used, since it is not good.',
      labels: ['listener'],
    });
    const pending = this.#metrics
      .gauge('outrigger_tls_handshakes_pending', { doc: 'TLS handshakes under way with clients.' })
      .with();
    this.#collecting = this.#metrics.onCollect(() => {
      pending.set(this.#pending.size);
      for (const { name, renewed } of this.#terminations.values()) {
        refused.with(name).set(renewed.refusal === undefined ? 0 : 1);
        for (const { file, notAfter } of renewed.current.certificates) expiry.with(name, file).set(notAfter / 1_000);
      }
    });
  }

  /** Looks at the files now, and forgets the listeners that are gone. */
  reload(): void {
    const kept = new Set(this.#sidecar.listenerStates().map(({ name }) => name));
    for (const [name, { renewed }] of this.#terminations) {
      if (kept.has(name)) renewed.look();
      else {
        renewed.dispose();
        this.#terminations.delete(name);
      }
    }
  }

  drain(): void {
    this.#cut();
  }

  stop(): void {
    this.#cut();
    this.#collecting?.[Symbol.dispose]();
    for (const { renewed } of this.#terminations.values()) renewed.dispose();
    this.#terminations.clear();
  }

  check({ settings }: ListenerSpec): void {
    const tls = listenerTls(settings);
    const material = readMaterial(tls);
    // OpenSSL judges ciphers, curves and the keys' strength.
    new Terminator('check', tls, material);
    this.#checked.set(settings['tls'] as object, material);
  }

  explain({ settings }: ListenerSpec): string[] {
    const tls = listenerTls(settings);
    return explainListener(tls, readMaterial(tls).certificates);
  }

  adopt({ name, settings }: ListenerInfo): void {
    const tls = listenerTls(settings);
    const before = this.#terminations.get(name);
    if (before !== undefined && isDeepStrictEqual(before.settings, tls)) return;
    const material = this.#checked.get(settings['tls'] as object) ?? readMaterial(tls);
    const terminator = this.#terminate(name, tls, material);
    before?.renewed.dispose();
    const termination: Terminated = {
      name,
      settings: tls,
      terminator,
      keyedAt: this.#clock.now(),
      renewed: new Renewed<Material>({
        files: filesOf(tls),
        first: material,
        clock: this.#clock,
        read: () => this.#readAnew(name, tls),
        swapped: (next) => this.#swapped(termination, next),
        refused: (error) => {
          this.#swaps.with(name, 'refused').add();
          this.#logger.error('changed certificate files are refused; what was in use stays', {
            listener: name,
            error: error.message,
          });
        },
        looked: () => this.#looked(termination),
      }),
    };
    void proveDirectTls();
    this.#terminations.set(name, termination);
    this.#looked(termination);
  }

  secure(socket: Socket, { name }: ListenerInfo): Promise<Secured> {
    const { terminator } = this.#terminations.get(name)!;
    const handshake = new Handshake(socket, {
      clock: this.#clock,
      timeout: this.#settings.handshake.timeout,
      terminator,
      ended: (one, failure, secured) => {
        this.#pending.delete(one);
        if (secured !== undefined) this.#succeeded(name, secured);
        else this.#fell(name, one, failure!);
      },
    });
    this.#pending.add(handshake);
    if (this.#pending.size > this.#settings.handshake.pending) {
      // Who waits longest is the likeliest not to be in earnest.
      const [oldest] = this.#pending;
      oldest!.fail('tls-handshake-limit');
    }
    return handshake.secured;
  }

  // What the admin address tells

  listener({ name, protocol }: ListenerInfo): object | undefined {
    const termination = this.#terminations.get(name);
    return protocol !== 'https' || termination === undefined ? undefined : { tls: this.#told(termination) };
  }

  /** Every certificate in use, by listener. */
  get told(): object {
    return Object.fromEntries([...this.#terminations.values()].map((one) => [one.name, this.#told(one)]));
  }

  #told({ settings, renewed: { current, refusal } }: Terminated): object {
    const now = this.#clock.wallTime();
    return {
      minVersion: settings.minVersion,
      clientAuth: settings.clientAuth,
      certificates: current.certificates.map((one) => ({
        file: one.file,
        names: one.names,
        subject: one.subject,
        issuer: one.issuer,
        keyType: one.keyType,
        notAfter: new Date(one.notAfter).toISOString(),
        daysLeft: daysLeft(one, now),
        fingerprint256: one.fingerprint256,
      })),
      ...(refusal && { refused: { at: new Date(refusal.at).toISOString(), error: refusal.error } }),
    };
  }

  // Certificates

  #terminate(name: string, settings: ListenerTls, material: Material): Terminator {
    const terminator = new Terminator(name, settings, material);
    for (const { server } of terminator.all) listenTo(server);
    return terminator;
  }

  /** Throws where it is worse than what is in use. */
  #readAnew(name: string, settings: ListenerTls): Material {
    const material = readMaterial(settings);
    for (const one of material.certificates) {
      const wrong = outOfTime(one, this.#clock.wallTime());
      if (wrong !== undefined) throw new Error(`the certificate in ${one.file} ${wrong}`);
    }
    new Terminator(name, settings, material);
    return material;
  }

  #swapped(termination: Terminated, material: Material): void {
    const { name, settings } = termination;
    this.#renewKey(termination, this.#terminate(name, settings, material));
    this.#swaps.with(name, 'swapped').add();
    this.#logger.info('certificates swapped', {
      listener: name,
      certificates: material.certificates.map(({ file, notAfter }) => ({
        file,
        notAfter: new Date(notAfter).toISOString(),
      })),
    });
  }

  #renewKey(termination: Terminated, terminator: Terminator): void {
    termination.terminator = terminator;
    termination.keyedAt = this.#clock.now();
  }

  /** Once a minute: tickets get another key in time, and people hear of certificates that end. */
  #looked(termination: Terminated): void {
    const { name, settings, renewed, keyedAt } = termination;
    if (this.#clock.now() - keyedAt >= this.#settings.tickets.rotation)
      this.#renewKey(termination, this.#terminate(name, settings, renewed.current));
    this.#expiry.look({ listener: name }, renewed.current.certificates);
  }

  // Handshakes

  #succeeded(listener: string, socket: TLSSocket): void {
    const version = socket.getProtocol() ?? 'unknown';
    const resumed = socket.isSessionReused();
    const key = `${listener} ${version} ${resumed}`;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#done.with(listener, version, resumed ? 'yes' : 'no');
      this.#counters.set(key, counter);
    }
    counter.add();
  }

  #fell(listener: string, handshake: Handshake, { reason, message }: OutriggerError): void {
    this.#failed.with(listener, reason).add();
    const fields = { peer: handshake.address.host, error: message };
    // Ports are probed all the time by who says nothing.
    if (reason === 'tls-aborted') this.#logger.debug('TLS handshake failed', { listener, cause: reason, ...fields });
    else this.#failures.tell('TLS handshake failed', { listener }, reason, fields);
  }

  #cut(): void {
    for (const handshake of [...this.#pending]) handshake.fail('drain');
  }
}
