import type { Socket } from 'node:net';
import { type Clock, type ConnectionHooks, type Session, type Side, VirtualClock } from '@outrigger/core';
import { Books } from './books.ts';
import { type Frame, frame, framesOfSoFar, HANDSHAKE, SWITCHING } from './frames.ts';
import { RawClient } from './raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts';
import { type RawUpstream, rawUpstream } from './upstreams.ts';
import { eventually } from './virtual-time.ts';

export const SIDES = ['downstream', 'upstream'] as const;
export const otherSide = (side: Side): Side => (side === 'downstream' ? 'upstream' : 'downstream');

/** The planes that read frames, with the hooks that bring a WebSocket there. */
export const READING_PLANES: readonly (readonly [plane: string, hooks: ConnectionHooks])[] = [
  ['frames', {}],
  ['messages', { onMessage: () => undefined }],
];

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

  pingsAt(side: Side): Frame[] {
    return framesOfSoFar(this.at(side)).filter(({ opcode }) => opcode === 9);
  }

  /** Code and reason of each close. */
  closesAt(side: Side): [code: number, reason: string][] {
    return framesOfSoFar(this.at(side))
      .filter(({ opcode }) => opcode === 8)
      .map(({ payload }) => [payload.readUInt16BE(0), payload.subarray(2).toString()]);
  }

  /** What answers the pings that have come at both ends since it was called last, except of who is silent. */
  answering(silent?: Side): () => void {
    const answered = { downstream: 0, upstream: 0 };
    return () => {
      for (const side of SIDES) {
        if (side === silent) continue;
        const pings = this.pingsAt(side);
        for (; answered[side] < pings.length; answered[side]++)
          this.send(side, frame(10, pings[answered[side]]!.payload, { masked: side === 'downstream' }));
      }
    };
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
