import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { latin1 } from './latin1.ts';

/**
 * Two ways past the streams that Node builds upon a socket's handle, which cost more than a proxy's own work:
 *
 * - Reads of all sockets land in one buffer. `onread` does that, documented for sockets that we connect and ignored for those
 *   that we accept; every socket carries the two symbols that the option sets, so we set them ourselves. What was read comes
 *   straight from the handle: Node's own function in between is shared with every other stream of the process, and slow for it.
 * - Writes go to the handle, as `Socket` itself does in the end, with the write request that it would make.
 *
 * Neither is documented as far as we use it: {@link proveDirectIo} tries both on the very Node that runs, and where they do not
 * work, or OUTRIGGER_IO=public says so, sockets are used as the documentation has it.
 */

/** Reads of all sockets land here, one after the other: no allocation per read. Whoever gets bytes gets them lent. */
export const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/** Called by Node with the socket as `this`, once per read; false stops reading until `resume`. */
export type SharedRead = (this: Socket, length: number, buffer: Uint8Array) => boolean;

/** Goes along with a write. One that is handed over while its last write is not over ends the process. */
export interface WriteRequest {
  /** Of the write that waits; {@link NOT_WAITING} where none does. */
  getAsyncId(): number;
  /** Called once where the write was left waiting: `status` is 0, or a negative errno. */
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  /** Keeps the bytes from being collected while they wait. */
  buffer: Buffer | null;
}

/** Takes what a handle reads into {@link SHARED}. */
export interface HandleReader {
  /** {@link Handle.bytesRead} as of the last call. */
  bytesRead: number;
  /** Called once per read with the bytes' number. To pause is the socket's affair. */
  hasRead(length: number): void;
}

type OnRead = (this: Handle, arrayBuffer: ArrayBuffer | undefined) => void;

/** What we use of a socket's handle (`TCPWrap`, `PipeWrap`). */
export interface Handle {
  /** Called by Node's native side for each read, and for what ends them. */
  onread: OnRead;
  /** Bytes read so far. */
  readonly bytesRead: number;
  [READER]?: HandleReader;
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  /** Bytes written so far, those that wait included. */
  readonly bytesWritten: number;
  /** 0, or a negative errno. */
  writeLatin1String(request: WriteRequest, data: string): number;
  writeBuffer(request: WriteRequest, data: Uint8Array): number;
  useUserBuffer(buffer: Buffer): void;
}

/** Where a handle has its reader. */
const READER: unique symbol = Symbol('outrigger.reader');

/** As Node has it for "no asynchronous resource". */
const NOT_WAITING = -1;

/** Goes out the public way. */
const FIRST = 'x';

/** The proof is a matter of milliseconds; on a machine that stands still the public way will do. */
const PROOF_MS = 2_000;

const [kBuffer, kBufferCb] = (() => {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const find = (name: string) => symbols.find((symbol) => symbol.description === name);
  return [find('kBuffer'), find('kBufferCb')];
})();

let Request: (new () => WriteRequest) | undefined;
let proven = false;
let proof: Promise<boolean> | undefined;

/** Whether {@link proveDirectIo} has seen both ways work. */
export function ioIsDirect(): boolean {
  return proven;
}

/** Tries both ways, with bytes over a loopback connection; once for the process. */
export function proveDirectIo(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  proof ??= (env['OUTRIGGER_IO'] === 'public' ? Promise.resolve(false) : prove()).then((works) => {
    proven = works;
    return works;
  });
  return proof;
}

export function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}

/** Makes an accepted socket read into {@link SHARED}, in the turn of the event loop in which it was accepted. */
export function readDirectly(socket: Socket, read: SharedRead): void {
  const slots = socket as unknown as Record<symbol, unknown>;
  slots[kBuffer!] = SHARED;
  slots[kBufferCb!] = read;
  handleOf(socket)!.useUserBuffer(SHARED);
}

let nodesOnRead: OnRead | undefined;

/** What a connected socket reads into {@link SHARED} goes to `reader`; the end, and errors, come as the socket's events. */
export function readHandle(handle: Handle, reader: HandleReader): void {
  nodesOnRead ??= handle.onread;
  reader.bytesRead = handle.bytesRead;
  handle[READER] = reader;
  handle.onread = onRead;
}

function onRead(this: Handle, arrayBuffer: ArrayBuffer | undefined): void {
  const reader = this[READER]!;
  const { bytesRead } = this;
  const length = bytesRead - reader.bytesRead;
  // What was not read is the end, or an error.
  if (length === 0) return nodesOnRead!.call(this, arrayBuffer);
  reader.bytesRead = bytesRead;
  reader.hasRead(length);
}

/** A request for one write. */
export function writeRequest(): WriteRequest {
  return new Request!();
}

let spare: WriteRequest | undefined;

/**
 * A request for a write that the kernel will most likely take at once. Behind the write {@link wasTaken} is to be asked, before
 * the next request is.
 */
export function passingRequest(): WriteRequest {
  spare ??= new Request!();
  return spare;
}

/** Whether the write did not have to wait. Then its request serves the next one; else it is the writer's own. */
export function wasTaken(request: WriteRequest): boolean {
  if (request.getAsyncId() === NOT_WAITING) return true;
  spare = undefined;
  return false;
}

async function prove(): Promise<boolean> {
  if (kBuffer === undefined || kBufferCb === undefined) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const head = 'a string, which is latin1: \xe9\r\n';
  const start = FIRST + head;
  // More than the shared buffer holds, so that it is filled again and again, and more than the kernel takes at once.
  const body = Buffer.alloc(8 * 1024 * 1024, randomBytes(65_537));
  const got: Buffer[] = [];
  let paused = false;
  let waited = false;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => resolve(false));
    socket.on('end', () => {
      socket.destroy();
      const whole = Buffer.concat(got);
      const same = latin1(whole, 0, start.length) === start && whole.subarray(start.length).equals(body);
      resolve(same && paused && waited);
    });
    attempt(resolve, () => {
      // What comes to Node's function does not come to ours.
      readDirectly(socket, () => {
        resolve(false);
        return true;
      });
      readHandle(handleOf(socket)!, {
        bytesRead: 0,
        hasRead(length) {
          got.push(Buffer.from(SHARED.subarray(0, length)));
          if (paused) return;
          paused = true;
          socket.pause();
          setImmediate(() => socket.resume());
        },
      });
      socket.resume();
    });
  });
  server.on('error', () => resolve(false));
  server.listen(0, '127.0.0.1', () => {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => resolve(false));
    client.on('connect', () =>
      attempt(resolve, () => {
        Request = requestOf(client);
        writeBoth(client, head, body, () => {
          waited = true;
          client.end();
        });
      }),
    );
  });
  const late = setTimeout(() => resolve(false), PROOF_MS);
  const works = await promise;
  clearTimeout(late);
  server.close();
  return works;
}

function attempt(resolve: (works: boolean) => void, f: () => void): void {
  try {
    f();
  } catch {
    resolve(false);
  }
}

/** The class of the requests that Node makes for its own writes: seen where it hands one to the handle. */
function requestOf(socket: Socket): new () => WriteRequest {
  const handle = handleOf(socket)!;
  const { writeLatin1String } = handle;
  let seen: WriteRequest | undefined;
  Object.defineProperty(handle, 'writeLatin1String', {
    configurable: true,
    value(request: WriteRequest, data: string) {
      seen = request;
      return writeLatin1String.call(handle, request, data);
    },
  });
  socket.write(FIRST, 'latin1');
  Reflect.deleteProperty(handle, 'writeLatin1String');
  return seen!.constructor as new () => WriteRequest;
}

/** A write that the kernel takes at once, and one that has to wait: `done` is called where both behave. */
function writeBoth(socket: Socket, head: string, body: Buffer, done: () => void): void {
  const handle = handleOf(socket)!;
  const request = writeRequest();
  if (handle.writeLatin1String(request, head) !== 0 || handle.writeQueueSize !== 0) return;
  if (request.getAsyncId() !== NOT_WAITING) return;
  request.buffer = body;
  request.oncomplete = (status) => {
    const all = FIRST.length + head.length + body.length;
    if (status === 0 && handle.writeQueueSize === 0 && handle.bytesWritten === all) done();
  };
  // The same request again: then it waits, and shows it.
  handle.writeBuffer(request, body);
  if (request.getAsyncId() === NOT_WAITING) request.oncomplete = null;
}
