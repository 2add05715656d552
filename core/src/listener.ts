import type { Socket } from 'node:net';
import { Acceptor, peerOf } from './acceptor.ts';
import type { ByteStream } from './byte-stream.ts';
import type { CoreServices } from './composition.ts';
import type { ListenerSpec } from './configuration.ts';
import type { Address, Connection, ListenerInfo, PeerInfo } from './connection.ts';
import type { HookChain, Verdict } from './hook-chain.ts';
import type { Counter } from './metrics.ts';
import { PluginError } from './plugin-error.ts';
import type { RunningComposition } from './running-composition.ts';
import { SocketStream } from './socket-stream.ts';
import type { Scope, Transport } from './transport.ts';

let connections = 0;

/**
 * One address that we accept on: brings each connection through the hooks and the transport to its protocol. What it is
 * called and what is spoken there may change while it accepts.
 */
export class Listener {
  /** What its current generation says; a reload assigns another. */
  scope!: Scope;
  #spec: ListenerSpec;
  /** The composition that its next connection goes to. */
  #running: RunningComposition;
  #refused!: Counter;
  readonly #services: CoreServices;
  readonly #acceptor: Acceptor;
  readonly #streams = new Set<ByteStream>();
  #overLimit = false;
  #idle: (() => void)[] = [];

  constructor(spec: ListenerSpec, running: RunningComposition, services: CoreServices) {
    this.#spec = spec;
    this.#running = running;
    this.#services = services;
    this.#acceptor = new Acceptor(
      spec.bind,
      (socket) => this.#accept(socket),
      (error) => services.logger.error('accepting failed', { listener: this.info.name, error: error.message }),
    );
  }

  /** Accepts from now on; resolves to the real address, rejects where that cannot be had. */
  async listen(scope: Omit<Scope, 'listener'>): Promise<Address> {
    const address = await this.#acceptor.listen();
    try {
      this.#take(this.#spec, this.#running, scope, address);
    } catch (error) {
      this.#acceptor.close();
      throw error;
    }
    return address;
  }

  /** Whether `spec` is on this address. */
  continues({ name, bind }: ListenerSpec): boolean {
    return bind === this.#spec.bind && (name === this.#spec.name || !bind.endsWith(':0'));
  }

  /** From the next session on `scope` holds, from the next connection on the transport and the protocols of `running`. */
  adopt(spec: ListenerSpec, running: RunningComposition, scope: Omit<Scope, 'listener'>): void {
    this.#take(spec, running, scope, this.info.address);
  }

  get info(): ListenerInfo {
    return this.scope.listener;
  }

  /** As configured. */
  get bind(): string {
    return this.#spec.bind;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#streams.size;
  }

  /** Whether a connection was accepted here. */
  accepted({ listener }: Connection): boolean {
    return listener.address === this.info.address;
  }

  /** Accepts no more, and lets no connection carry more than its current session. */
  startDrain(): void {
    this.#acceptor.close();
    this.scope = { ...this.scope, draining: true };
  }

  /** Resolves when no connection is open. */
  async drained(): Promise<void> {
    while (this.#streams.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Accepts no more and cuts what is open. */
  destroy(): void {
    this.#acceptor.close();
    for (const stream of this.#streams) stream.destroy('drain-deadline');
  }

  #take(spec: ListenerSpec, running: RunningComposition, scope: Omit<Scope, 'listener'>, address: Address): void {
    const { name, protocol, direction, settings } = spec;
    this.#spec = spec;
    this.#running = running;
    this.scope = { ...scope, listener: { name, protocol, direction, address, settings } };
    this.#refused = running.composition.metrics
      .counter('outrigger_connections_refused_total', {
        doc: 'Connections closed at once because file descriptors were nearly used up.',
        labels: ['listener'],
      })
      .with(name);
    if (protocol === 'https') running.composition.transports.get('tls')!.adopt?.(this.info);
  }

  #accept(socket: Socket): void {
    const { descriptors, logger } = this.#services;
    if (!descriptors.mayAccept) return this.#refuse(socket);
    if (this.#overLimit) {
      this.#overLimit = false;
      logger.info('accepting again', { listener: this.info.name, open: descriptors.open });
    }
    descriptors.accepted();
    socket.on('close', () => descriptors.left());
    socket.on('error', ignore);

    const address = peerOf(socket);
    const { hooks } = this.scope;
    if (address === undefined || (hooks.onAccept !== null && hooks.onAccept(address) !== undefined)) {
      socket.destroy();
      return;
    }
    if (this.#spec.protocol !== 'https') this.#establish(SocketStream.accepted(socket), { address }, undefined);
    else void this.#secure(socket, this.#running.composition.transports.get('tls')!);
  }

  async #secure(socket: Socket, transport: Transport): Promise<void> {
    try {
      const { stream, peer, alpn } = await transport.secure(socket, this.info);
      this.#establish(stream, peer, alpn);
    } catch {
      // The transport has told why.
      socket.destroy();
    }
  }

  #establish(stream: ByteStream, peer: PeerInfo, alpn: string | undefined): void {
    const { hooks, listener } = this.scope;
    const connection: Connection = { id: ++connections, listener, peer };
    this.#streams.add(stream);
    if (hooks.onConnection === null) return this.#serve(stream, connection, hooks, alpn);
    const verdict = hooks.onConnection(connection);
    if (verdict === undefined) return this.#serve(stream, connection, hooks, alpn);
    if (!('then' in verdict)) return this.#turnAway(stream, connection, hooks, verdict);
    stream.pause();
    void verdict.then((late: Verdict) => {
      if (late !== undefined || stream.destroyed) this.#turnAway(stream, connection, hooks, late);
      else this.#serve(stream, connection, hooks, alpn);
    });
  }

  #serve(stream: ByteStream, connection: Connection, hooks: HookChain, alpn = 'http/1.1'): void {
    const protocol = this.#running.protocols.get(alpn);
    if (protocol === undefined) {
      this.#services.logger.error('no plugin provides the protocol', { listener: this.info.name, protocol: alpn });
      return this.#turnAway(stream, connection, hooks, undefined);
    }
    protocol.serve(
      stream,
      connection,
      () => this.scope,
      () => this.#ended(stream, connection, hooks),
    );
  }

  #turnAway(stream: ByteStream, connection: Connection, hooks: HookChain, verdict: Verdict): void {
    stream.destroy(verdict?.plugin ? `plugin:${verdict.plugin}` : 'internal');
    this.#ended(stream, connection, hooks);
  }

  /** `hooks` are those that saw `onConnection`, whatever was reloaded since. */
  #ended(stream: ByteStream, connection: Connection, hooks: HookChain): void {
    if (!this.#streams.delete(stream)) return;
    hooks.onDisconnect?.(connection);
    if (this.#streams.size === 0 && this.#idle.length > 0) {
      const waiting = this.#idle;
      this.#idle = [];
      for (const resolve of waiting) resolve();
    }
  }

  /** Closing at once is kinder than letting it wait in a queue that nobody serves, and the kernel asks again at once. */
  #refuse(socket: Socket): void {
    socket.on('error', ignore);
    socket.destroy();
    this.#refused.add();
    if (this.#overLimit) return;
    this.#overLimit = true;
    const { descriptors, logger } = this.#services;
    logger.warn('file descriptors are nearly used up: new connections are closed at once', {
      listener: this.info.name,
      open: descriptors.open,
      limit: descriptors.limit,
      reserve: descriptors.reserve,
      remedy: 'raise the limit of open files (ulimit -n, LimitNOFILE=), or add instances',
    });
  }
}

/** Throws a PluginError where a listener asks for what no plugin provides. */
export function checkListener(spec: ListenerSpec, { composition }: RunningComposition): void {
  const wrong = (what: string) => new PluginError(spec.protocol, `listener ${spec.name}: no plugin provides ${what}`);
  if (composition.routerFactory === undefined) throw wrong('a RouterFactory; load the routing plugin');
  if (spec.protocol === 'https') {
    const transport = composition.transports.get('tls');
    if (transport === undefined) throw wrong('TLS, which protocol: https needs; load the https plugin');
    try {
      transport.check?.(spec);
    } catch (error) {
      throw new PluginError('https', `listener ${spec.name}: ${(error as Error).message}`, { cause: error });
    }
  } else if (!composition.protocols.has('http/1.1'))
    throw wrong('the protocol http/1.1, which protocol: http needs; load the http plugin');
}

function ignore(): void {}
