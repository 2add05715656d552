import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Clock, Timer } from '@outrigger/core';

/** What load balancers are: passes bytes on, and cuts a connection that carried none for a while, either way. */
export class IdleCutter {
  readonly address: string;
  readonly port: number;
  /** Connections that it has cut. */
  cuts = 0;
  readonly #stop: () => Promise<void>;

  private constructor(port: number, stop: () => Promise<void>) {
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.#stop = stop;
  }

  static async start(to: () => number, idleMs: number, clock: Clock): Promise<IdleCutter> {
    const sockets = new Set<Socket>();
    const keep = (socket: Socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    };
    const listener = createServer((near) => {
      const far = connect(to(), '127.0.0.1');
      const cut = new Cut(near, far, () => cutter.cuts++);
      for (const [from, other] of [
        [near, far],
        [far, near],
      ] as const) {
        keep(from);
        from.on('data', () => clock.arm(cut, idleMs));
        from.on('close', () => {
          clock.disarm(cut);
          other.destroy();
        });
        from.pipe(other);
      }
      clock.arm(cut, idleMs);
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const cutter = new IdleCutter((listener.address() as AddressInfo).port, async () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, 'close');
    });
    return cutter;
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

class Cut extends Timer {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #told: () => void;

  constructor(near: Socket, far: Socket, told: () => void) {
    super();
    this.#near = near;
    this.#far = far;
    this.#told = told;
  }

  expired(): void {
    this.#told();
    this.#near.destroy();
    this.#far.destroy();
  }
}
