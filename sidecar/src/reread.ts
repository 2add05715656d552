import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { SidecarConfiguration } from '@outrigger/config';
import { type Clock, type ComposedPlugin, inSlices } from '@outrigger/core';
import type { ConfigurationSource } from './arguments.ts';
import { ConfigurationError } from './configuration-error.ts';
import { inspect, type Loading, pluginsOf } from './inspect.ts';
import { putTogether } from './pieces.ts';
import { type PackedProvenance, packProvenance, withProvenance } from './provenance.ts';

/** Up to so many bytes a file is read here: that takes less than a thread's start. */
const SMALL = 32 * 1024;

/** What a start or a reload takes on. */
export interface Reread {
  readonly configuration: SidecarConfiguration;
  readonly plugins: readonly ComposedPlugin[];
}

/** What the thread gets. */
export interface RereadTask {
  readonly source: ConfigurationSource;
  readonly port: MessagePort;
}

/** What it answers when it is done; the configuration has gone through the port, in pieces. */
export type RereadAnswer =
  | { readonly problems: readonly string[] }
  | { readonly directory: string; readonly provenance: PackedProvenance | undefined };

/** What it tells on its way: the plugin that it loads now, with the place of its entry. */
export interface RereadNews {
  readonly loading: string;
}

/** So long a reload may read, of which most is the loading of plugins; then it is given up. */
export const READ_LIMIT_MS = 60_000;

/**
 * Reads a configuration anew beside the traffic: a large file is parsed and validated in a thread of its own, and what that comes
 * to is taken over in slices. Throws a {@link ConfigurationError} with every problem; one of them may be that it was not done
 * within {@link READ_LIMIT_MS}, for a module of a plugin never comes to its end. `told` is called for each plugin that is loaded.
 */
export async function reread(source: ConfigurationSource, clock: Clock, told?: Loading): Promise<Reread> {
  const late = Promise.withResolvers<never>();
  // Where it is late in between, the next wait tells.
  late.promise.catch(() => {});
  let at = `${source.file ?? 'the configuration'}: it`;
  using _limit = clock.after(READ_LIMIT_MS, () => late.reject(new ConfigurationError([tooLong(at)])));
  const loading = (place: string) => {
    at = place;
    told?.(place);
  };
  if (source.file === undefined || sizeOf(source.file) <= SMALL)
    return await Promise.race([readHere(source, loading), late.promise]);
  return await readInThread(source, loading, late.promise);
}

/** Reads it in this thread, as at the start. */
export async function readHere(source: ConfigurationSource, loading?: Loading): Promise<Reread> {
  const inspection = await inspect(source, process.env, loading);
  const configuration = withProvenance(inspection.configuration, packProvenance(inspection));
  return { configuration, plugins: inspection.plugins };
}

async function readInThread(source: ConfigurationSource, loading: Loading, late: Promise<never>): Promise<Reread> {
  const { port1: port, port2 } = new MessageChannel();
  const task: RereadTask = { source, port: port2 };
  const file = new URL(`./reread-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData: task, transferList: [port2] });
  try {
    const answer = await Promise.race([answerOf(worker, loading), late]);
    if ('problems' in answer) throw new ConfigurationError(answer.problems);
    const configuration = (await inSlices(putTogether(received(port)))) as SidecarConfiguration;
    const plugins = await Promise.race([pluginsOf(configuration, answer.directory), late]);
    return { configuration: withProvenance(configuration, answer.provenance), plugins };
  } finally {
    port.close();
    void worker.terminate();
  }
}

function tooLong(at: string): string {
  return `${at} was not read within ${READ_LIMIT_MS / 1_000} s; look for a plugin whose module loops, or awaits what never comes`;
}

/** Rejects where the thread ends without an answer: a plugin's module may see to that. */
function answerOf(worker: Worker, loading: Loading): Promise<RereadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RereadAnswer>();
  worker.on('message', (message: RereadNews | RereadAnswer) => {
    if ('loading' in message) loading(message.loading);
    else resolve(message);
  });
  worker.once('error', reject);
  worker.once('exit', (code) =>
    reject(
      new Error(
        `reading the configuration ended with exit code ${code} before it was done; look for a plugin whose module calls process.exit, or awaits what never comes`,
      ),
    ),
  );
  return promise;
}

/** Each is copied when it is asked for, and not before. */
function* received(port: MessagePort): Generator<unknown> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) yield next.message;
}

/** A file that is not there is told of by who reads it. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
