import type { Socket } from 'node:net';
import { type Clock, type ConnectionHooks, type Session, type Side, VirtualClock } from '@outrigger/core';
import { Books } from './books.ts';
import { HANDSHAKE, SWITCHING } from './frames.ts';
import { RawClient } from './raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts';
import { type RawUpstream, rawUpstream } from './upstreams.ts';
import { eventually } from './virtual-time.ts';

/** A WebSocket whose both ends are raw sockets. */
export class WebSocketPair {
  readonly books = new Books();
  /** Virtual, unless the pair was given a real one. */
  readonly clock: VirtualClock;
  session!: Session;
  sidecar!: TestSidecar;
  upstream!: RawUpstream;
  client!: RawClient;
  readonly pongs: Side[] = [];

  constructor(clock: Clock = new VirtualClock()) {
    this.clock = clock as VirtualClock;
  }

  /** `options` are for the sidecar. */
  async open(hooks: ConnectionHooks = {}, options: Partial<SidecarOptions> = {}): Promise<void> {
    this.upstream = await rawUpstream((socket, all) => {
      // Virtual time does not wait for a delayed acknowledgement.
      socket.setNoDelay(true);
      if (all.endsWith('\r\n\r\n')) socket.write(SWITCHING);
    });
    this.sidecar = await startSidecar({
      endpoints: [this.upstream.address],
      clock: this.clock,
      ...options,
      plugins: [this.books.plugin, ...(options.plugins ?? [])],
      hooks: {
        onPong: (_, side) => void this.pongs.push(side),
        ...hooks,
        onOpen: (session) => {
          this.session = session;
          hooks.onOpen?.(session);
        },
      },
    });
    this.client = await RawClient.connect(this.sidecar.port);
    this.client.socket.setNoDelay(true);
    this.client.send(HANDSHAKE);
    await eventually(() => this.session !== undefined);
    await this.client.until((text) => text.includes('\r\n\r\n'));
  }

  get server(): Socket {
    const [socket] = this.upstream.open;
    return socket!;
  }

  /** What has come at `side`, behind the handshake. */
  at(side: Side): Buffer {
    const text = side === 'downstream' ? this.client.received : this.upstream.received;
    return Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
  }

  send(side: Side, bytes: Buffer): void {
    if (side === 'downstream') this.client.send(bytes);
    else this.server.write(bytes);
  }

  async close(): Promise<void> {
    this.client.destroy();
    await eventually(() => this.sidecar.runtime.sessions.size === 0);
    await this.books.balance(this.sidecar);
    await this.sidecar.stop();
    await this.upstream.stop();
  }
}
