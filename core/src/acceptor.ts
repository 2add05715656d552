import { existsSync, unlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { parseAddress } from './address.ts';
import type { Address } from './connection.ts';

/** As many connections may wait to be accepted as the kernel allows (net.core.somaxconn caps it). */
const BACKLOG = 4096;

/** Accepts connections on one address, over TCP or a Unix-domain socket. */
export class Acceptor {
  readonly #server: Server;
  readonly #bind: string;
  #address: Address | undefined;

  /** `accepted` gets each socket in the turn of the event loop in which it was accepted. */
  constructor(bind: string, accepted: (socket: Socket) => void, failed: (error: Error) => void) {
    this.#bind = bind;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, accepted);
    this.#server.on('error', (error) => {
      if (this.#address) failed(error);
    });
  }

  /** Resolves to the real address. Rejects with an Error that says what is in the way. */
  async listen(): Promise<Address> {
    const where = parseAddress(this.#bind);
    if ('path' in where) await removeStale(where.path);
    await new Promise<void>((resolve, fail) => {
      const refused = (error: NodeJS.ErrnoException) => fail(explain(error, this.#bind));
      this.#server.once('error', refused);
      this.#server.listen(
        { ...where, host: 'host' in where && where.host ? where.host : undefined, backlog: BACKLOG } as object,
        () => {
          this.#server.off('error', refused);
          resolve();
        },
      );
    });
    this.#address =
      'path' in where
        ? { family: 'unix', host: where.path, port: 0 }
        : addressOf(this.#server.address() as AddressInfo);
    return this.#address;
  }

  /** Accepts no more; the address is free when it resolves. What was accepted goes on. */
  close(): void {
    this.#server.close();
  }
}

function addressOf({ address, port, family }: AddressInfo): Address {
  return { family: family === 'IPv6' ? 'ipv6' : 'ipv4', host: address, port };
}

/** The address of who connected; IPv4 over an IPv6 socket is shown as IPv4. Undefined where it is gone already. */
export function peerOf(socket: Socket): Address | undefined {
  const { remoteAddress: host, remotePort: port } = socket;
  if (host === undefined) {
    const local = socket.address() as Partial<AddressInfo>;
    return local.address === undefined ? { family: 'unix', host: '', port: 0 } : undefined;
  }
  if (host.startsWith('::ffff:') && host.includes('.')) return { family: 'ipv4', host: host.slice(7), port: port! };
  return { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port: port! };
}

/** A socket file that nobody listens on is left over from a process that died; one in use stays, and listening will fail. */
async function removeStale(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const inUse = await new Promise<boolean>((resolve) => {
    const probe = connect({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
  if (!inUse) unlinkSync(path);
}

function explain(error: NodeJS.ErrnoException, bind: string): Error {
  const why: Record<string, string> = {
    EADDRINUSE: 'the address is in use; stop what listens there, or choose another',
    EACCES: 'not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE, a socket path a writable folder',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'the name does not resolve',
    ENOENT: 'the folder of the socket path does not exist',
  };
  return new Error(`cannot listen on ${bind}: ${why[error.code ?? ''] ?? error.message}`, { cause: error });
}
