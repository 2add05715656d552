import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatAddress, parseAddress } from '@outrigger/core';

/** Somebody else listens there. */
export class AddressInUse extends Error {
  override readonly name = 'AddressInUse';
}

/** A share in an address that is listened on. */
export interface Held {
  /** The real one. */
  readonly address: string;
  /** Gives the share back; true where it was the last one, and the address is free. */
  release(): boolean;
}

interface Holding {
  readonly server: Server;
  readonly address: string;
  /** Of those who share it; the last one answers. */
  readonly answers: RequestListener[];
}

/** By {@link keyOf}. A reload makes another instance of the plugin before it ends the old one: they share. */
const holdings = new Map<string, Holding>();

/** Port 0 is a port of its own for each name. */
function keyOf(name: string, bind: string): string {
  const where = parseAddress(bind);
  return 'port' in where && where.port === 0 ? `${name} on ${bind}` : bind;
}

/** Listens on `bind`, or takes over from who does in this process. Rejects with what is in the way. */
export async function holdAddress(name: string, bind: string, answer: RequestListener): Promise<Held> {
  const key = keyOf(name, bind);
  let holding = holdings.get(key);
  if (holding === undefined) {
    holding = await listen(bind);
    holdings.set(key, holding);
  }
  const held = holding;
  held.answers.push(answer);
  return {
    address: held.address,
    release() {
      // Not always the first: a reload that fails gives up what it had taken over.
      held.answers.splice(held.answers.indexOf(answer), 1);
      if (held.answers.length > 0) return false;
      holdings.delete(key);
      held.server.close();
      held.server.closeAllConnections();
      return true;
    },
  };
}

async function listen(bind: string): Promise<Holding> {
  const answers: RequestListener[] = [];
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) =>
    answers.at(-1)?.(request, response),
  );
  const where = parseAddress(bind);
  await new Promise<void>((resolve, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') fail(new AddressInUse(`${bind} is in use`));
      else fail(new Error(`cannot listen on ${bind}: ${error.message}`, { cause: error }));
    });
    server.listen('path' in where ? where : { port: where.port, ...(where.host && { host: where.host }) }, resolve);
  });
  // It must not keep the process alive, nor end it.
  server.on('error', () => {});
  const told = server.address() as AddressInfo | string;
  const address =
    typeof told === 'string'
      ? `unix:${told}`
      : formatAddress({ family: told.family === 'IPv6' ? 'ipv6' : 'ipv4', host: told.address, port: told.port });
  return { server, address, answers };
}
