import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A client that says exactly what it is told, and keeps what it hears. Text is latin1 throughout. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  #woken: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    const wake = () => {
      for (const resolve of this.#woken.splice(0)) resolve();
    };
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
      wake();
    });
    socket.on('end', () => {
      this.ended = true;
      wake();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      wake();
    });
  }

  static async connect(where: number | NetConnectOpts): Promise<RawClient> {
    const options = typeof where === 'number' ? { port: where, host: '127.0.0.1' } : where;
    const socket = connect({ ...options, allowHalfOpen: true } as NetConnectOpts);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(text: string | Buffer): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Resolves when `met` holds of what was received, or rejects when the connection ends before. */
  async until(met: (received: string) => boolean): Promise<string> {
    while (!met(this.received)) {
      if (this.closed || this.ended) throw new Error(`the connection ended; received ${JSON.stringify(this.received)}`);
      await this.#more();
    }
    return this.received;
  }

  /** Resolves to everything that was received when the other side has closed. */
  async untilEnd(): Promise<string> {
    while (!this.ended && !this.closed) await this.#more();
    this.socket.end();
    return this.received;
  }

  /** Resolves when the socket is gone. */
  async untilClosed(): Promise<void> {
    while (!this.closed) await this.#more();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#woken.push(resolve));
  }
}

/** Sends `text` and resolves to everything that came until the other side closed. */
export async function exchange(port: number, text: string | Buffer): Promise<string> {
  const client = await RawClient.connect(port);
  client.send(text);
  return client.untilEnd();
}

/** The status of the first response in `text`. */
export function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
}
