import type { Clock } from './clock.ts';
import { ClusterRegistry } from './cluster-registry.ts';
import { type ComposedPlugin, Composition, type Contribution, type CoreServices } from './composition.ts';
import type { Configuration, ListenerSpec } from './configuration.ts';
import type { ListenerInfo } from './connection.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import type { Deadline } from './lifecycle.ts';
import { Listener } from './listener.ts';
import type { Logger } from './logger.ts';
import { OpenSessions } from './open-sessions.ts';
import type { Route } from './router.ts';
import type { Lifecycle } from './tokens.ts';
import type { Scope } from './transport.ts';
import { WheelClock } from './wheel-clock.ts';

export interface RuntimeOptions {
  readonly configuration: Configuration;
  /** In the order in which they are composed. */
  readonly plugins: readonly ComposedPlugin[];
  readonly logger: Logger;
  /** Default: the real one. */
  readonly clock?: Clock;
}

/**
 * The running sidecar: composes the plugins, builds the configuration's generation, and takes both through their life.
 * `start` once; then `drain` and `stop`, or `stop` alone; repeated calls join the first.
 */
export class Runtime {
  readonly sessions = new OpenSessions();
  readonly clusters: ClusterRegistry;
  readonly clock: Clock;
  readonly #logger: Logger;
  readonly #configuration: Configuration;
  readonly #services: CoreServices;
  readonly #composedPlugins: readonly ComposedPlugin[];
  #composition: Composition | undefined;
  #generation = 0;
  readonly #listeners = new Map<string, Listener>();
  /** Lifecycles whose `init` was called: those are stopped. */
  readonly #begun: Contribution<Lifecycle>[] = [];
  #ready = false;
  #draining: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor({ configuration, plugins, logger, clock }: RuntimeOptions) {
    this.clock =
      clock ??
      new WheelClock((error) =>
        logger.error('a timer failed', { error: error instanceof Error ? error.stack : String(error) }),
      );
    this.clusters = new ClusterRegistry(logger);
    this.#logger = logger;
    this.#configuration = configuration;
    this.#composedPlugins = plugins;
    this.#services = { clock: this.clock, logger, sessions: this.sessions, descriptors: new DescriptorBudget() };
  }

  /** The listeners that accept, by name. */
  get listeners(): ReadonlyMap<string, ListenerInfo> {
    return new Map([...this.#listeners].map(([name, listener]) => [name, listener.info]));
  }

  /** Whether every listener accepts, and no drain has begun. */
  get ready(): boolean {
    return this.#ready;
  }

  get composition(): Composition {
    if (this.#composition === undefined) throw new Error('the runtime is not composed before start()');
    return this.#composition;
  }

  /** Composes, builds, and accepts. What fails stops what was begun, in reverse, and is thrown. */
  async start(): Promise<void> {
    try {
      const composition = new Composition(this.#composedPlugins, this.#services);
      this.#composition = composition;
      for (const weight of composition.endpointWeights)
        weight.onChange((endpoint) => this.clusters.weightChanged(endpoint));
      for (const lifecycle of composition.lifecycles) {
        this.#begun.push(lifecycle);
        await named(lifecycle.plugin, 'init', () => lifecycle.value.init?.());
      }
      this.clusters.apply(this.#configuration.clusters, composition);
      for (const lifecycle of composition.lifecycles)
        await named(lifecycle.plugin, 'start', () => lifecycle.value.start?.());
      this.#generation = 1;
      for (const spec of this.#configuration.listeners) await this.#listen(spec, composition);
      this.#ready = true;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Ends gracefully, within `drain.timeout`: not ready, `drain.delay`, no more accepting, then what is open. Inbound
   * listeners go first; outbound ones stay while an inbound session may still need them. At once when nothing is open.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Cuts what is open and releases everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #listen(spec: ListenerSpec, composition: Composition): Promise<void> {
    const transport = spec.protocol === 'https' ? composition.transports.get('tls') : undefined;
    if (spec.protocol === 'https' && transport === undefined) {
      throw new Error(`listener ${spec.name}: no plugin provides TLS, which protocol: https needs`);
    }
    const listener = new Listener({
      spec,
      transport,
      protocols: composition.protocols,
      logger: this.#logger,
      metrics: composition.metrics,
      descriptors: this.#services.descriptors,
    });
    const scope = this.#scope(spec, composition);
    const address = await listener.listen(scope);
    this.#listeners.set(spec.name, listener);
    this.#logger.debug('listening', { listener: spec.name, address });
  }

  #scope(spec: ListenerSpec, composition: Composition): Omit<Scope, 'listener'> {
    const factory = composition.routerFactory;
    if (factory === undefined) throw new Error('no plugin provides a RouterFactory; load the routing plugin');
    const routes = spec.routes.map((route, i) => ({ spec: route, route: this.#route(spec, i) }));
    return { hooks: composition.hooksFor(spec.name), router: factory.create(routes), generation: this.#generation };
  }

  #route(listener: ListenerSpec, index: number): Route {
    const { cluster: name, settings } = listener.routes[index]!;
    const cluster = this.clusters.get(name);
    if (cluster === undefined) throw new Error(`listener ${listener.name}: there is no cluster "${name}"`);
    return { name: `${listener.name}[${index}]`, cluster, settings };
  }

  async #drain(): Promise<void> {
    const { delay, timeout, rate } = this.#configuration.drain;
    const by: Deadline = { at: this.clock.now() + timeout, rate };
    const wasReady = this.#ready;
    this.#ready = false;
    if (wasReady && delay > 0)
      await new Promise<void>((resolve) => this.clock.after(Math.min(delay, timeout), resolve));
    for (const direction of ['inbound', 'outbound'] as const) {
      const listeners = [...this.#listeners.values()].filter(({ info }) => info.direction === direction);
      for (const listener of listeners) listener.stopAccepting();
      await Promise.all(
        [...(this.#composition?.protocols.values() ?? [])].map((protocol) => protocol.drain(by, direction)),
      );
    }
    for (const { plugin, value } of this.#begun.toReversed()) {
      await this.#attempt(plugin, 'drain', () => value.drain?.(by));
    }
  }

  async #stop(): Promise<void> {
    this.#ready = false;
    for (const listener of this.#listeners.values()) listener.destroy();
    for (const { plugin, value } of this.#begun.toReversed()) {
      await this.#attempt(plugin, 'stop', () => value.stop?.());
    }
    this.clusters.dispose();
  }

  /** On the way down every plugin has its turn, whatever happened to the others. */
  async #attempt(plugin: string, phase: string, f: () => unknown): Promise<void> {
    try {
      await f();
    } catch (error) {
      this.#logger.error(`${phase} of plugin ${plugin} failed`, {
        plugin,
        error: error instanceof Error ? error.stack : String(error),
      });
    }
  }
}

async function named(plugin: string, phase: string, f: () => unknown): Promise<void> {
  try {
    await f();
  } catch (error) {
    throw new Error(`${phase} of plugin ${plugin} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
