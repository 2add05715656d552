import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { SidecarConfiguration } from '@outrigger/config';
import { type ComposedPlugin, inSlices } from '@outrigger/core';
import type { ConfigurationSource } from './arguments.ts';
import { ConfigurationError } from './configuration-error.ts';
import { inspect, pluginsOf } from './inspect.ts';
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
  | { readonly directory: string; readonly provenance: PackedProvenance };

/**
 * Reads a configuration anew beside the traffic: a large file is parsed and validated in a thread of its own, and what that comes
 * to is taken over in slices. Throws a {@link ConfigurationError} with every problem.
 */
export async function reread(source: ConfigurationSource): Promise<Reread> {
  if (source.file === undefined || sizeOf(source.file) <= SMALL) return readHere(source);
  const { port1: port, port2 } = new MessageChannel();
  const task: RereadTask = { source, port: port2 };
  const file = new URL(`./reread-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData: task, transferList: [port2] });
  try {
    const answer = await answerOf(worker);
    if ('problems' in answer) throw new ConfigurationError(answer.problems);
    const configuration = (await inSlices(putTogether(received(port)))) as SidecarConfiguration;
    const plugins = await pluginsOf(configuration, answer.directory);
    return { configuration: withProvenance(configuration, answer.provenance), plugins };
  } finally {
    port.close();
    void worker.terminate();
  }
}

/** Reads it in this thread, as at the start. */
export async function readHere(source: ConfigurationSource): Promise<Reread> {
  const inspection = await inspect(source);
  const configuration = withProvenance(inspection.configuration, packProvenance(inspection));
  return { configuration, plugins: inspection.plugins };
}

/** Rejects where the thread ends without an answer: a plugin's module may see to that. */
function answerOf(worker: Worker): Promise<RereadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RereadAnswer>();
  worker.once('message', resolve);
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
