import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A port that somebody else listens on, until it is disposed of. */
export async function takenPort(): Promise<Disposable & { readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}
