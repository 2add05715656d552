import type { Clock } from './clock.ts';
import type { Composition, Contribution } from './composition.ts';
import type { Deadline } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import type { Lifecycle, Protocol } from './tokens.ts';

/** So long a plugin's `stop` is waited for. */
const STOP_MS = 5_000;

/** A composition at work: its lifecycles, and the connections that its protocols serve. */
export class RunningComposition {
  readonly composition: Composition;
  /** The composition's, each counting its connections. */
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Lifecycles whose `init` was called: those are drained and stopped. */
  readonly #begun: Contribution<Lifecycle>[] = [];
  #connections = 0;
  #stopping: Promise<void> | undefined;

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

  /** In plugin order. Rejects with the first failure, and calls no further one; nor after {@link stop}. */
  async init(): Promise<void> {
    for (const lifecycle of this.composition.lifecycles) {
      this.#notStopped();
      this.#begun.push(lifecycle);
      await named(lifecycle.plugin, 'init', () => lifecycle.value.init?.());
    }
    this.#notStopped();
  }

  /** As {@link init}. */
  async start(): Promise<void> {
    for (const { plugin, value } of this.#begun) {
      this.#notStopped();
      await named(plugin, 'start', () => value.start?.());
    }
    this.#notStopped();
  }

  /** Ends what its protocols serve for one direction. */
  async drainProtocols(by: Deadline, direction: 'inbound' | 'outbound'): Promise<void> {
    await Promise.all(
      [...this.composition.protocols.values()].map((protocol) =>
        this.#contained(`drain of the protocol ${protocol.name}`, {}, Number.POSITIVE_INFINITY, () =>
          protocol.drain(by, direction),
        ),
      ),
    );
  }

  /** In reverse; what fails, or is not done by the deadline, is logged and the rest goes on. */
  async drainLifecycles(by: Deadline): Promise<void> {
    for (const { plugin, value } of this.#begun.toReversed()) {
      if (this.#stopping !== undefined) return;
      if (value.drain === undefined) continue;
      const left = Math.max(0, by.at - this.#clock.now());
      await this.#contained(`drain of plugin ${plugin}`, { plugin }, left, () => value.drain?.(by));
    }
  }

  /** In reverse, each once; what fails, or is not done within 5 s, is logged and the rest goes on. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const { plugin, value } of this.#begun.toReversed()) {
      if (value.stop === undefined) continue;
      await this.#contained(`stop of plugin ${plugin}`, { plugin }, STOP_MS, () => value.stop?.());
    }
  }

  #notStopped(): void {
    if (this.#stopping !== undefined) throw new Error('stopped while it was starting');
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
      drain: (by, direction) => protocol.drain(by, direction),
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
