import type { Socket } from 'node:net';
import { Acceptor, peerOf } from './acceptor.ts';
import type { ByteStream } from './byte-stream.ts';
import type { ListenerSpec } from './configuration.ts';
import type { Address, Connection, ListenerInfo, PeerInfo } from './connection.ts';
import type { DescriptorBudget } from './descriptor-budget.ts';
import type { Verdict } from './hook-chain.ts';
import type { Logger } from './logger.ts';
import type { Counter, Metrics } from './metrics.ts';
import { SocketStream } from './socket-stream.ts';
import type { Protocol, Scope, Transport } from './transport.ts';

let connections = 0;

export interface ListenerOptions {
  readonly spec: ListenerSpec;
  /** Undefined: plain TCP. */
  readonly transport: Transport | undefined;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly descriptors: DescriptorBudget;
}

/** One address that we accept on: brings each connection through the hooks and the transport to its protocol. */
export class Listener {
  /** What its current generation says; a reload assigns another. */
  scope!: Scope;
  readonly #options: ListenerOptions;
  readonly #acceptor: Acceptor;
  readonly #streams = new Set<ByteStream>();
  readonly #refused: Counter;
  #overLimit = false;
  #idle: (() => void)[] = [];

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { spec, logger, metrics } = options;
    this.#refused = metrics
      .counter('outrigger_connections_refused_total', {
        doc: 'Connections closed at once because file descriptors were nearly used up.',
        labels: ['listener'],
      })
      .with(spec.name);
    this.#acceptor = new Acceptor(
      spec.bind,
      (socket) => this.#accept(socket),
      (error) => logger.error('accepting failed', { listener: spec.name, error: error.message }),
    );
  }

  /** Accepts from now on; resolves to the real address, rejects where that cannot be had. */
  async listen(scope: Omit<Scope, 'listener'>): Promise<Address> {
    const { name, protocol, direction, settings } = this.#options.spec;
    const address = await this.#acceptor.listen();
    this.scope = { ...scope, listener: { name, protocol, direction, address, settings } };
    return address;
  }

  get info(): ListenerInfo {
    return this.scope.listener;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#streams.size;
  }

  /** Accepts no more; what is open goes on. */
  stopAccepting(): void {
    this.#acceptor.close();
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

  #accept(socket: Socket): void {
    const { descriptors, transport } = this.#options;
    if (!descriptors.mayAccept) return this.#refuse(socket);
    if (this.#overLimit) {
      this.#overLimit = false;
      this.#options.logger.info('accepting again', { listener: this.info.name, open: descriptors.open });
    }
    descriptors.accepted();
    socket.once('close', () => descriptors.left());
    socket.on('error', ignore);

    const address = peerOf(socket);
    const { hooks } = this.scope;
    if (address === undefined || (hooks.onAccept !== null && hooks.onAccept(address) !== undefined)) {
      socket.destroy();
      return;
    }
    if (transport === undefined) this.#establish(SocketStream.accepted(socket), { address }, undefined);
    else void this.#secure(socket, transport);
  }

  async #secure(socket: Socket, transport: Transport): Promise<void> {
    try {
      const { stream, peer, alpn } = await transport.secure(socket, this.info);
      this.#establish(stream, peer, alpn);
    } catch (error) {
      this.#options.logger.debug('transport not established', {
        listener: this.info.name,
        error: error instanceof Error ? error.message : String(error),
      });
      socket.destroy();
    }
  }

  #establish(stream: ByteStream, peer: PeerInfo, alpn: string | undefined): void {
    const connection: Connection = { id: ++connections, listener: this.info, peer };
    this.#streams.add(stream);
    const { hooks } = this.scope;
    if (hooks.onConnection === null) return this.#serve(stream, connection, alpn);
    const verdict = hooks.onConnection(connection);
    if (verdict === undefined) return this.#serve(stream, connection, alpn);
    if (!('then' in verdict)) return this.#turnAway(stream, connection, verdict);
    stream.pause();
    void verdict.then((late: Verdict) => {
      if (late !== undefined || stream.destroyed) this.#turnAway(stream, connection, late);
      else this.#serve(stream, connection, alpn);
    });
  }

  #serve(stream: ByteStream, connection: Connection, alpn = 'http/1.1'): void {
    const protocol = this.#options.protocols.get(alpn);
    if (protocol === undefined) {
      this.#options.logger.error('no plugin provides the protocol', { listener: this.info.name, protocol: alpn });
      return this.#turnAway(stream, connection, undefined);
    }
    protocol.serve(
      stream,
      connection,
      () => this.scope,
      () => this.#ended(stream, connection),
    );
  }

  #turnAway(stream: ByteStream, connection: Connection, verdict: Verdict): void {
    stream.destroy(verdict?.plugin ? `plugin:${verdict.plugin}` : 'internal');
    this.#ended(stream, connection);
  }

  #ended(stream: ByteStream, connection: Connection): void {
    if (!this.#streams.delete(stream)) return;
    this.scope.hooks.onDisconnect?.(connection);
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
    const { descriptors, logger } = this.#options;
    logger.warn('file descriptors are nearly used up: new connections are closed at once', {
      listener: this.info.name,
      open: descriptors.open,
      limit: descriptors.limit,
      reserve: descriptors.reserve,
      remedy: 'raise the limit of open files (ulimit -n, LimitNOFILE=), or add instances',
    });
  }
}

function ignore(): void {}
