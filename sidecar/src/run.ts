import { differing, type SidecarConfiguration } from '@outrigger/config';
import { formatAddress, inSlices, type Logger, PluginError, Runtime } from '@outrigger/core';
import type { ConfigurationSource } from './arguments.ts';
import { ConfigurationError } from './configuration-error.ts';
import { type Reread, readHere, reread } from './reread.ts';

/** Exit codes of DESIGN §6. */
export const EXIT = { clean: 0, failure: 1, usage: 2, configuration: 78 } as const;

/** For who runs a sidecar beside other things of its own. */
export interface Companion {
  /** The listeners accept. */
  ready(): void;
  /** A drain begins. */
  ending(): void;
}

/**
 * Runs a sidecar until a signal ends it: resolves to the exit code. Throws a ConfigurationError where the configuration is
 * not valid; a start that fails is logged.
 */
export async function run(source: ConfigurationSource, logger: Logger, companion?: Companion): Promise<number> {
  const { configuration, plugins } = await readHere(source);
  const runtime = new Runtime({ configuration, plugins, logger });
  const ended = untilSignal();
  // Before the start: a SIGHUP must not end the process while it starts.
  reloadOnHangup(source, runtime, logger, configuration);
  try {
    await runtime.start();
  } catch (error) {
    logger.error('the start failed', { error: messageOf(error) });
    return error instanceof PluginError ? EXIT.configuration : EXIT.failure;
  }
  logger.info('ready', { listeners: addressesOf(runtime), ...Object.fromEntries(runtime.addresses) });
  companion?.ready();
  const signal = await Promise.race([ended.first, runtime.endRequested.then(() => 'a request on the admin address')]);
  companion?.ending();
  logger.info('draining', { by: signal, sessions: runtime.sessions.size, timeoutMs: configuration.drain.timeout });
  const finished = runtime.drain().then(() => runtime.stop());
  const second = await Promise.race([finished, ended.second]);
  if (typeof second === 'string') {
    logger.warn('ended at once by a second signal', { signal: second, sessions: runtime.sessions.size });
    return EXIT.failure;
  }
  logger.info('stopped');
  return EXIT.clean;
}

/** Where each listener accepts. */
export function addressesOf(runtime: Runtime): Record<string, string> {
  return Object.fromEntries([...runtime.listeners].map(([name, { address }]) => [name, formatAddress(address)]));
}

/** Changes that a log line names. */
const NAMED_CHANGES = 20;

/**
 * SIGHUP: reads the configuration again, and changes over to it where it is valid. The one in force stays on any error, which
 * is logged and shown on the admin address. What comes meanwhile waits: the file is read after the one before is in force, or
 * was given up.
 */
function reloadOnHangup(source: ConfigurationSource, runtime: Runtime, logger: Logger, first: SidecarConfiguration) {
  let inForce = first;
  const reload = async () => {
    let loaded: Reread;
    try {
      loaded = await reread(source, runtime.clock);
    } catch (error) {
      if (error instanceof ConfigurationError) runtime.reloadRefused(error.problems);
      throw error;
    }
    const result = await runtime.reload(loaded.configuration, loaded.plugins);
    const changes = (await inSlices(differing(inForce, loaded.configuration))).map(({ path }) => path);
    inForce = loaded.configuration;
    if (result === 'unchanged')
      return logger.info('reloaded: the configuration says the same, nothing changes', {
        generation: runtime.generation,
      });
    const more = changes.length > NAMED_CHANGES ? { more: changes.length - NAMED_CHANGES } : {};
    logger.info('reloaded', { generation: runtime.generation, changes: changes.slice(0, NAMED_CHANGES), ...more });
  };
  let reloading = Promise.resolve();
  process.on('SIGHUP', () => {
    reloading = reloading.then(reload).catch((error: unknown) => {
      const problems = error instanceof ConfigurationError ? error.problems : [messageOf(error)];
      logger.error('the reload failed; the configuration in force stays', {
        generation: runtime.generation,
        problems,
      });
    });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first and the second SIGTERM or SIGINT. */
function untilSignal(): { first: Promise<string>; second: Promise<string> } {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<string>();
  let firstAt = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // npm and the terminal both pass one Ctrl-C on: that is not a second one.
      if (firstAt === 0) {
        firstAt = performance.now();
        first.resolve(signal);
      } else if (performance.now() - firstAt > 500) second.resolve(signal);
    });
  }
  return { first: first.promise, second: second.promise };
}
