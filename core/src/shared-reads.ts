import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';

/** Reads of all sockets land here, one after the other: no allocation per read. Whoever gets bytes gets them lent. */
export const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/** Called by Node with the socket as `this`, once per read; false stops reading until `resume`. */
export type SharedRead = (this: Socket, length: number, buffer: Uint8Array) => boolean;

/** The proof is a matter of milliseconds; on a machine that stands still the public way will do. */
const PROOF_MS = 2_000;

/**
 * Node's `onread` (one buffer for all sockets) is documented for sockets that we connect, not for accepted ones. Every
 * socket carries the two symbols that the option sets, so we set them ourselves.
 */
const [kBuffer, kBufferCb] = (() => {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const find = (name: string) => symbols.find((symbol) => symbol.description === name);
  return [find('kBuffer'), find('kBufferCb')];
})();

let proven = false;
let proof: Promise<boolean> | undefined;

/** Whether accepted sockets read into {@link SHARED}: {@link proveSharedReads} has seen it work. Else they read by 'data' events. */
export function readsAreShared(): boolean {
  return proven;
}

/**
 * Tries on this very Node whether an accepted socket can be made to read into the shared buffer, with bytes over a loopback
 * connection; once for the process. OUTRIGGER_READS=public in the environment says no without trying.
 */
export function proveSharedReads(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  proof ??= (env['OUTRIGGER_READS'] === 'public' ? Promise.resolve(false) : prove()).then((works) => (proven = works));
  return proof;
}

/** Makes an accepted socket read into {@link SHARED}, in the turn of the event loop in which it was accepted. */
export function shareReads(socket: Socket, read: SharedRead): void {
  const { _handle: handle } = socket as unknown as { _handle: { useUserBuffer(b: Buffer): void } };
  const slots = socket as unknown as Record<symbol, unknown>;
  slots[kBuffer!] = SHARED;
  slots[kBufferCb!] = read;
  handle.useUserBuffer(SHARED);
}

async function prove(): Promise<boolean> {
  if (kBuffer === undefined || kBufferCb === undefined) return false;
  // More than the buffer holds, so that it is filled again and again.
  const sent = randomBytes(3 * SHARED.length + 1);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const got: Buffer[] = [];
  let paused = false;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => resolve(false));
    socket.on('end', () => {
      socket.destroy();
      resolve(paused && Buffer.concat(got).equals(sent));
    });
    try {
      shareReads(socket, function (length, buffer) {
        if (buffer !== SHARED) resolve(false);
        got.push(Buffer.from(SHARED.subarray(0, length)));
        if (paused) return true;
        paused = true;
        setImmediate(() => this.resume());
        return false;
      });
      socket.resume();
    } catch {
      socket.destroy();
      resolve(false);
    }
  });
  server.on('error', () => resolve(false));
  server.listen(0, '127.0.0.1', () => {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1', () => client.end(sent));
    client.on('error', () => resolve(false));
    client.on('data', () => {});
  });
  const late = setTimeout(() => resolve(false), PROOF_MS);
  const works = await promise;
  clearTimeout(late);
  server.close();
  return works;
}
