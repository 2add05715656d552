import type { Clock } from './clock.ts';
import type { Composition } from './composition.ts';
import type { Connection } from './connection.ts';
import type { Deadline } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import type { PluginInstance } from './plugin-instance.ts';
import type { Protocol } from './tokens.ts';

/** So long a plugin's `stop` is waited for. */
const STOP_MS = 5_000;

/** So late a drain that keeps to its deadline may be done, by timers that are as coarse as they are. */
const GRACE_MS = 500;

/** A composition at work: the lives of its plugins, and the connections that its protocols serve. */
export class RunningComposition {
  readonly composition: Composition;
  /** The composition's, each counting its connections. */
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** The `start` of each lifecycle that was initialised here. */
  readonly #starts: (() => Promise<void>)[] = [];
  #connections = 0;
  #stopping = false;

  constructor(composition: Composition, clock: Clock, logger: Logger) {
    this.composition = composition;
    this.#clock = clock;
    this.#logger = logger;
    this.protocols = new Map([...composition.protocols].map(([name, protocol]) => [name, this.#counting(protocol)]));
  }

  /** Connections that its protocols serve now. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * In plugin order, for those that were not carried over. Rejects with the first failure, and calls no further one; nor after
   * {@link stop}.
   */
  async init(): Promise<void> {
    const { instances, lifecycles } = this.composition;
    const fresh = new Map(instances.filter(({ begun }) => begun.length === 0).map((one) => [one.name, one]));
    for (const { plugin, value } of lifecycles) {
      const instance = fresh.get(plugin);
      if (instance === undefined) continue;
      this.#notStopped();
      instance.begun.push(value);
      this.#starts.push(() => named(plugin, 'start', () => value.start?.()));
      await named(plugin, 'init', () => value.init?.());
    }
    this.#notStopped();
  }

  /** As {@link init}, once after it. */
  async start(): Promise<void> {
    for (const start of this.#starts.splice(0)) {
      this.#notStopped();
      await start();
    }
    this.#notStopped();
  }

  /** Tells those that have begun that a reload is over; what fails is logged and the rest goes on. */
  async reload(): Promise<void> {
    for (const { name: plugin, begun, stopped } of this.composition.instances) {
      if (stopped) continue;
      for (const lifecycle of begun) {
        if (lifecycle.reload === undefined) continue;
        await this.#contained(`reload of plugin ${plugin}`, { plugin }, STOP_MS, () => lifecycle.reload?.());
      }
    }
  }

  /** Ends what one of its protocols serves of the connections that `meant` says; what fails is logged. */
  drainProtocol(protocol: Protocol, by: Deadline, meant: (connection: Connection) => boolean): Promise<void> {
    const what = `drain of the protocol ${protocol.name}`;
    return this.#contained(what, {}, Number.POSITIVE_INFINITY, () => protocol.drain(by, meant));
  }

  /** In reverse, those that are not `seen`; what fails, or is not done by the deadline, is logged and the rest goes on. */
  async drainLifecycles(by: Deadline, seen: Set<PluginInstance>): Promise<void> {
    for (const instance of this.composition.instances.toReversed()) {
      if (seen.has(instance)) continue;
      seen.add(instance);
      const { name: plugin, begun } = instance;
      for (const lifecycle of begun.toReversed()) {
        if (lifecycle.drain === undefined || instance.stopped) continue;
        const left = Math.max(0, by.at - this.#clock.now()) + GRACE_MS;
        await this.#contained(`drain of plugin ${plugin}`, { plugin }, left, () => lifecycle.drain?.(by));
      }
    }
  }

  /**
   * Stops the plugins that `kept` does not have, in reverse, each instance once; what fails, or is not done within 5 s, is
   * logged and the rest goes on.
   */
  async stop(kept: ReadonlySet<PluginInstance> = new Set()): Promise<void> {
    this.#stopping = true;
    const stopping = this.composition.instances.filter((one) => !kept.has(one) && !one.stopped).reverse();
    for (const instance of stopping) instance.stopped = true;
    for (const instance of stopping) {
      for (const lifecycle of instance.begun.toReversed()) {
        if (lifecycle.stop === undefined) continue;
        const plugin = instance.name;
        await this.#contained(`stop of plugin ${plugin}`, { plugin }, STOP_MS, () => lifecycle.stop?.());
      }
    }
  }

  #notStopped(): void {
    if (this.#stopping) throw new Error('stopped while it was starting');
  }

  /** On the way down every plugin has its turn, whatever happened to the others. */
  async #contained(what: string, fields: object, ms: number, f: () => unknown): Promise<void> {
    let late: Disposable | undefined;
    try {
      const deadline = new Promise<never>((_, fail) => {
        late = this.#clock.after(ms, () => fail(new Error(`not done within ${Math.round(ms)} ms`)));
      });
      await Promise.race([f(), deadline]);
    } catch (error) {
      this.#logger.error(`${what} failed`, { ...fields, error: error instanceof Error ? error.stack : String(error) });
    } finally {
      late?.[Symbol.dispose]();
    }
  }

  #counting(protocol: Protocol): Protocol {
    return {
      name: protocol.name,
      serve: (stream, connection, scope, ended) => {
        this.#connections++;
        protocol.serve(stream, connection, scope, () => {
          this.#connections--;
          ended();
        });
      },
      drain: (by, meant) => protocol.drain(by, meant),
    };
  }
}

async function named(plugin: string, phase: string, f: () => unknown): Promise<void> {
  try {
    await f();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${phase} of plugin ${plugin} failed: ${message}`, { cause: error });
  }
}
