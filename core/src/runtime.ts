import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './clock.ts';
import { type ClusterPlan, ClusterRegistry } from './cluster-registry.ts';
import { type ComposedPlugin, Composition, type CoreServices } from './composition.ts';
import type { Configuration, ListenerSpec } from './configuration.ts';
import type { ListenerInfo } from './connection.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import type { Deadline } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import { checkListener, OpenListener } from './open-listener.ts';
import { OpenSessions } from './open-sessions.ts';
import { RunningComposition } from './running-composition.ts';
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

/** One validated configuration and all that was built from it. Immutable. */
interface Generation {
  readonly number: number;
  readonly configuration: Configuration;
  readonly running: RunningComposition;
  /** By name of the listener. */
  readonly scopes: ReadonlyMap<string, Omit<Scope, 'listener'>>;
}

/** So often it is looked whether a replaced composition is still in use. */
const RETIRE_MS = 1_000;
/** So long connections that were cut are waited for, before the plugins are stopped. */
const CUT_MS = 1_000;

/**
 * The running sidecar: composes the plugins, builds the configuration's generation, and takes both through their life.
 * `start` once, `reload` as often as you like; then `drain` and `stop`, or `stop` alone; repeated calls join the first.
 */
export class Runtime {
  readonly sessions = new OpenSessions();
  readonly clusters: ClusterRegistry;
  readonly clock: Clock;
  readonly #logger: Logger;
  readonly #services: CoreServices;
  /** What the first generation is built from. */
  readonly #first: { readonly configuration: Configuration; readonly plugins: readonly ComposedPlugin[] };
  #generation: Generation | undefined;
  /** What accepts, by name. */
  readonly #listeners = new Map<string, OpenListener>();
  /** Listeners that a reload has taken away, while connections of theirs are open. */
  readonly #closing = new Set<OpenListener>();
  /** Compositions that a reload has replaced, with the last generation that they served. */
  readonly #retired = new Map<RunningComposition, number>();
  #sweep: Disposable | undefined;
  #numbers = 0;
  #ready = false;
  #drainFinished = false;
  #reloading: Promise<void> = Promise.resolve();
  #draining: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #stopCalled = Promise.withResolvers<void>();

  constructor({ configuration, plugins, logger, clock }: RuntimeOptions) {
    this.clock =
      clock ??
      new WheelClock((error) =>
        logger.error('a timer failed', { error: error instanceof Error ? error.stack : String(error) }),
      );
    this.clusters = new ClusterRegistry(logger);
    this.#logger = logger;
    this.#first = { configuration, plugins };
    this.#services = { clock: this.clock, logger, sessions: this.sessions, descriptors: new DescriptorBudget() };
  }

  /** The listeners that accept, by name. */
  get listeners(): ReadonlyMap<string, ListenerInfo> {
    return new Map([...this.#listeners].map(([name, { listener }]) => [name, listener.info]));
  }

  /** Whether every listener accepts, and no drain has begun. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Whether a drain has come to its end. */
  get drainFinished(): boolean {
    return this.#drainFinished;
  }

  /** Number of the generation that the next session takes; 0 before the start. */
  get generation(): number {
    return this.#generation?.number ?? 0;
  }

  get composition(): Composition {
    if (this.#generation === undefined) throw new Error('the runtime is not composed before start()');
    return this.#generation.running.composition;
  }

  /** Composes, builds, and accepts. What fails stops what was begun, in reverse, and is thrown. Clusters are watched between `init` and `start`. */
  async start(): Promise<void> {
    const { configuration, plugins } = this.#first;
    try {
      if (this.#stopping !== undefined) throw new Error('stopped before it was started');
      const running = this.#compose(plugins);
      this.#check(configuration, running);
      // In force before anything begins: from here on stop() ends it.
      this.#generation = { number: 0, configuration, running, scopes: new Map() };
      await running.init();
      const plan = this.clusters.plan(configuration.clusters, running.composition);
      // Committed first: what it watches is then ended with the rest, whatever fails below.
      plan.commit();
      this.#generation = this.#build(configuration, running, plan);
      await running.start();
      for (const spec of configuration.listeners) {
        this.#listeners.set(spec.name, await this.#open(spec, this.#generation));
      }
      this.#ready = true;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes on another configuration, without ending a session: those that are open keep their generation. The composition
   * stays where the plugins and what their entries say stay; else all of it is made anew, and the old one is stopped when its
   * last connection and session have ended. Calls run one after the other. On any error, which is thrown, the old stays.
   */
  reload(configuration: Configuration, plugins: readonly ComposedPlugin[]): Promise<void> {
    const reloaded = this.#reloading.then(() => this.#reload(configuration, plugins));
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
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

  #compose(plugins: readonly ComposedPlugin[]): RunningComposition {
    const composition = new Composition(plugins, this.#services);
    for (const weight of composition.endpointWeights)
      weight.onChange((endpoint) => this.clusters.weightChanged(endpoint));
    return new RunningComposition(composition, this.clock, this.#logger);
  }

  /** What can be told before any plugin begins. */
  #check(configuration: Configuration, running: RunningComposition): void {
    this.clusters.check(configuration.clusters, running.composition);
    const clusters = new Set(configuration.clusters.map(({ name }) => name));
    for (const spec of configuration.listeners) {
      checkListener(spec, running);
      for (const { cluster } of spec.routes) {
        if (!clusters.has(cluster)) throw new Error(`listener ${spec.name}: there is no cluster "${cluster}"`);
      }
    }
  }

  #build(configuration: Configuration, running: RunningComposition, plan: ClusterPlan): Generation {
    const { composition } = running;
    const number = ++this.#numbers;
    const scopes = new Map(
      configuration.listeners.map((listener) => {
        const routes = listener.routes.map((spec, i) => ({
          spec,
          route: { name: `${listener.name}[${i}]`, cluster: plan.get(spec.cluster)!, settings: spec.settings },
        }));
        const router = composition.routerFactory!.create(routes);
        return [listener.name, { hooks: composition.hooksFor(listener.name), router, generation: number }];
      }),
    );
    return { number, configuration, running, scopes };
  }

  async #open(spec: ListenerSpec, { running, scopes }: Generation): Promise<OpenListener> {
    const opened = new OpenListener(spec, running, this.#services);
    const address = await opened.listener.listen(scopes.get(spec.name)!);
    if (this.#stopping !== undefined) {
      opened.listener.destroy();
      throw new Error('stopped while it was starting');
    }
    this.#logger.debug('listening', { listener: spec.name, address });
    return opened;
  }

  async #reload(configuration: Configuration, plugins: readonly ComposedPlugin[]): Promise<void> {
    const old = this.#generation;
    if (!this.#ready || old === undefined)
      throw new Error('a configuration can be reloaded while the sidecar is ready, neither before nor while it drains');
    const kept = samePlugins(old.running.composition.plugins, plugins);
    const running = kept ? old.running : this.#compose(plugins);
    const opened = new Map<string, OpenListener>();
    let plan: ClusterPlan | undefined;
    try {
      this.#check(configuration, running);
      this.#checkAddresses(configuration);
      if (!kept) await running.init();
      plan = this.clusters.plan(configuration.clusters, running.composition);
      const next = this.#build(configuration, running, plan);
      if (!kept) await running.start();
      for (const spec of configuration.listeners) {
        if (!this.#listeners.has(spec.name)) opened.set(spec.name, await this.#open(spec, next));
      }
      if (!this.#ready) throw new Error('a drain began while the configuration was reloaded');
      this.#swap(next, plan, opened);
    } catch (error) {
      plan?.discard();
      for (const { listener } of opened.values()) listener.destroy();
      if (!kept) await running.stop();
      throw error;
    }
    if (!kept) this.#retired.set(old.running, old.number);
    this.#retire();
  }

  /** An address cannot be listened on twice, and closing first could end with neither. */
  #checkAddresses(configuration: Configuration): void {
    for (const spec of configuration.listeners) {
      const same = this.#listeners.get(spec.name);
      if (same?.continues(spec)) continue;
      const holder =
        same ?? [...this.#listeners.values()].find(({ bind }) => bind === spec.bind && !bind.endsWith(':0'));
      if (holder === undefined) continue;
      throw new Error(
        `listener ${spec.name}: name, address, protocol and direction of a listener that accepts cannot be reloaded one by one (the listener ${holder.listener.info.name} is on ${holder.bind}); give it a new name and address, or restart`,
      );
    }
  }

  /** In one turn of the event loop: no session sees a half of it. */
  #swap(next: Generation, plan: ClusterPlan, opened: ReadonlyMap<string, OpenListener>): void {
    plan.commit();
    for (const spec of next.configuration.listeners) {
      this.#listeners.get(spec.name)?.adopt(spec, next.running, next.scopes.get(spec.name)!);
    }
    for (const [name, one] of opened) this.#listeners.set(name, one);
    for (const [name, one] of this.#listeners) {
      if (next.scopes.has(name)) continue;
      this.#listeners.delete(name);
      one.listener.stopAccepting();
      this.#closing.add(one);
    }
    this.#generation = next;
  }

  /** Releases what reloads have left behind, as soon as it is not in use: looks now, and then again until all is gone. */
  #retire(): void {
    this.#sweep?.[Symbol.dispose]();
    this.#sweep = undefined;
    if (this.#stopping !== undefined) return;
    let oldest = this.generation;
    for (const session of this.sessions) oldest = Math.min(oldest, session.generation);
    for (const [running, last] of this.#retired) {
      if (running.connections > 0 || oldest <= last) continue;
      this.#retired.delete(running);
      void running.stop();
    }
    for (const one of this.#closing) if (one.listener.connections === 0) this.#closing.delete(one);
    if (oldest === this.generation) this.clusters.disposeGone();
    if (oldest < this.generation || this.#retired.size > 0 || this.#closing.size > 0)
      this.#sweep = this.clock.after(RETIRE_MS, () => this.#retire());
  }

  async #drain(): Promise<void> {
    const generation = this.#generation;
    const wasReady = this.#ready;
    this.#ready = false;
    if (generation === undefined) return;
    const { delay, timeout, rate } = generation.configuration.drain;
    const by: Deadline = { at: this.clock.now() + timeout, rate };
    if (wasReady && delay > 0) await this.#pause(Math.min(delay, timeout));
    const all = () => [...this.#retired.keys(), generation.running];
    for (const direction of ['inbound', 'outbound'] as const) {
      for (const { listener } of this.#listeners.values())
        if (listener.info.direction === direction) listener.stopAccepting();
      await Promise.all(all().map((running) => running.drainProtocols(by, direction)));
    }
    for (const running of all().reverse()) await running.drainLifecycles(by);
    this.#drainFinished = true;
  }

  async #stop(): Promise<void> {
    this.#ready = false;
    this.#stopCalled.resolve();
    this.#sweep?.[Symbol.dispose]();
    const listeners = [...this.#listeners.values(), ...this.#closing].map(({ listener }) => listener);
    for (const listener of listeners) listener.destroy();
    // Plugins hear of every end before they are stopped.
    if (listeners.some(({ connections }) => connections > 0)) {
      let late: Disposable | undefined;
      const deadline = new Promise<void>((resolve) => {
        late = this.clock.after(CUT_MS, resolve);
      });
      await Promise.race([Promise.all(listeners.map((listener) => listener.drained())), deadline]);
      late?.[Symbol.dispose]();
    }
    await this.#generation?.running.stop();
    for (const running of this.#retired.keys()) await running.stop();
    this.clusters.dispose();
  }

  /** Ends early when stop() is called. */
  async #pause(ms: number): Promise<void> {
    const passed = Promise.withResolvers<void>();
    const timer = this.clock.after(ms, passed.resolve);
    await Promise.race([passed.promise, this.#stopCalled.promise]);
    timer[Symbol.dispose]();
  }
}

function samePlugins(a: readonly ComposedPlugin[], b: readonly ComposedPlugin[]): boolean {
  const told = ({ settings, onError, timeout, listeners }: ComposedPlugin) => [settings, onError, timeout, listeners];
  return (
    a.length === b.length &&
    a.every((one, i) => one.plugin === b[i]!.plugin && isDeepStrictEqual(told(one), told(b[i]!)))
  );
}
