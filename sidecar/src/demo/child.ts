import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The name that the parent gave this process. */
export const name = process.argv[2] ?? 'service';

/** Listens on a free port, tells the parent, and calls `stop` when it is asked to end or the parent has gone. */
export async function serve(server: Server, stop: () => void): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
  const end = () => {
    stop();
    server.close();
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 500).unref();
    if (process.connected) process.disconnect();
  };
  process.once('SIGTERM', end);
  process.once('disconnect', end);
  // A Ctrl-C is the parent's business: it drains the sidecar first.
  process.on('SIGINT', () => {});
}
