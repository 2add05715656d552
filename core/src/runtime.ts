import type { AdminDetails } from './admin-details.ts';
import type { AdminRoute } from './admin-route.ts';
import type { Clock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { type ClusterPlan, ClusterRegistry } from './cluster-registry.ts';
import { type ComposedPlugin, Composition, type CoreServices } from './composition.ts';
import type { Configuration } from './configuration.ts';
import { checkConfiguration } from './configuration-check.ts';
import type { Provenance } from './configured-values.ts';
import type { Connection, ListenerInfo } from './connection.ts';
import { TcpConnector } from './connector.ts';
import { Departures } from './departures.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import { proveDirectIo } from './direct-io.ts';
import { buildGeneration, type Generation, routeHasChanged, sameConfiguration, samePlugins } from './generation.ts';
import { closeGradually } from './gradual-close.ts';
import { Leftovers } from './leftovers.ts';
import type { Deadline } from './lifecycle.ts';
import type { Listener } from './listener.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { OpenListeners } from './open-listeners.ts';
import { OpenSessions } from './open-sessions.ts';
import type { PluginInstance } from './plugin-instance.ts';
import type { Route } from './router.ts';
import { RunningComposition } from './running-composition.ts';
import type { ListenerState, Reloads, Sidecar } from './sidecar.ts';
import { measureSidecar } from './sidecar-metrics.ts';
import { atOnce, inSlices, type Sliced } from './slices.ts';
import { IdleConnections } from './tokens.ts';
import { WheelClock } from './wheel-clock.ts';

export interface RuntimeOptions {
  readonly configuration: Configuration;
  /** In the order in which they are composed. */
  readonly plugins: readonly ComposedPlugin[];
  readonly logger: Logger;
  /** Default: the real one. */
  readonly clock?: Clock;
}

/** So long connections that were cut are waited for, before the plugins are stopped. */
const CUT_MS = 1_000;

/**
 * The running sidecar: composes the plugins, builds the configuration's generation, and takes both through their life.
 * `start` once, `reload` as often as you like; then `drain` and `stop`, or `stop` alone; repeated calls join the first.
 */
export class Runtime implements Sidecar {
  readonly startedAt: number;
  readonly sessions = new OpenSessions();
  readonly clusters: ClusterRegistry;
  readonly clock: Clock;
  readonly #logger: Logger;
  readonly #services: CoreServices;
  /** What the first generation is built from. */
  readonly #first: { readonly configuration: Configuration; readonly plugins: readonly ComposedPlugin[] };
  #generation: Generation | undefined;
  readonly #listeners: OpenListeners;
  readonly #leftovers: Leftovers;
  #numbers = 0;
  #ready = false;
  #drainFinished = false;
  /** What WebSockets are closed with at the end, where who asked for it has said so. */
  #closeCode: number | undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #reloads: Reloads = { changed: 0, unchanged: 0, failed: 0 };
  readonly #addresses = new Map<string, string>();
  #measured: Metrics | undefined;
  #draining: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #stopCalled = Promise.withResolvers<void>();
  readonly #endRequested = Promise.withResolvers<void>();

  constructor({ configuration, plugins, logger, clock }: RuntimeOptions) {
    this.clock =
      clock ??
      new WheelClock((error) =>
        logger.error('a timer failed', { error: error instanceof Error ? error.stack : String(error) }),
      );
    const departures = new Departures({
      clock: this.clock,
      logger,
      sessions: this.sessions,
      rate: () => this.#generation!.configuration.drain.rate,
      closeIdle: (endpoint) => this.#generation?.running.composition.get(IdleConnections)?.close(endpoint),
    });
    this.clusters = new ClusterRegistry(logger, departures);
    this.#logger = logger;
    this.#first = { configuration, plugins };
    this.startedAt = this.clock.wallTime();
    const descriptors = new DescriptorBudget();
    this.#services = {
      clock: this.clock,
      logger,
      sessions: this.sessions,
      descriptors,
      connector: new TcpConnector(descriptors),
      sidecar: this,
    };
    this.#listeners = new OpenListeners(this.#services);
    this.#leftovers = new Leftovers({
      clock: this.clock,
      sessions: this.sessions,
      clusters: this.clusters,
      listeners: this.#listeners,
      inForce: () => this.#generation!,
    });
  }

  /** The listeners that accept, by name. */
  get listeners(): ReadonlyMap<string, ListenerInfo> {
    return this.#listeners.infos;
  }

  // The sidecar, as plugins see it

  get state(): Sidecar['state'] {
    if (this.#stopping !== undefined) return 'stopped';
    if (this.#draining !== undefined) return 'draining';
    return this.#ready ? 'ready' : 'starting';
  }

  get configuration(): unknown {
    return this.#generation?.configuration.shown;
  }

  get provenance(): Provenance | undefined {
    return this.#generation?.configuration.provenance;
  }

  get reloads(): Reloads {
    return this.#reloads;
  }

  get adminRoutes(): readonly AdminRoute[] {
    return this.#generation?.running.composition.adminRoutes ?? [];
  }

  get adminDetails(): readonly AdminDetails[] {
    return this.#generation?.running.composition.adminDetails ?? [];
  }

  listenerStates(): readonly ListenerState[] {
    return this.#listeners.states();
  }

  clusterStates(): Iterable<Cluster> {
    return this.clusters;
  }

  *routes(): Iterable<Route> {
    for (const { routes } of this.#generation?.routings.values() ?? []) yield* routes;
  }

  get addresses(): ReadonlyMap<string, string> {
    return this.#addresses;
  }

  announce(name: string, address: string | undefined): void {
    if (address === undefined) this.#addresses.delete(name);
    else this.#addresses.set(name, address);
  }

  requestEnd(closeCode?: number): void {
    this.#closeCode ??= closeCode;
    this.#endRequested.resolve();
  }

  /** Resolves when somebody has asked for the end. */
  get endRequested(): Promise<void> {
    return this.#endRequested.promise;
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
      checkConfiguration(configuration, running, this.clusters);
      // In force before anything begins: from here on stop() ends it.
      this.#generation = { number: 0, configuration, running, scopes: new Map(), routings: new Map() };
      await running.init();
      const plan = atOnce(this.clusters.plan(configuration.clusters, running.composition));
      // Committed first: what it watches is then ended with the rest, whatever fails below.
      plan.commit();
      this.#generation = atOnce(this.#build(configuration, running, plan, undefined));
      await running.start();
      await proveDirectIo();
      for (const spec of configuration.listeners) {
        this.#listeners.add(await this.#listeners.open(spec, this.#generation));
      }
      this.#ready = this.#draining === undefined;
      this.#measure();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes on another configuration, without ending a session: those that are open keep their generation. Only what changed is
   * made anew; what says the same in other words changes nothing, and is no new generation. A plugin whose code and settings
   * stay is carried over, one that was replaced is stopped when its last connection and session have ended, or at once where it
   * takes no part in any. Calls run one after the other. On any error, which is thrown, the old stays.
   */
  reload(configuration: Configuration, plugins: readonly ComposedPlugin[]): Promise<'changed' | 'unchanged'> {
    const reloaded = this.#reloading.then(() => this.#reload(configuration, plugins));
    this.#reloading = reloaded.then(
      (result) => this.#reloaded(result),
      (error: Error) => this.reloadRefused([error.message]),
    );
    return reloaded;
  }

  /** Books a reload that failed before it came here: its configuration could not be read, or is not valid. */
  reloadRefused(problems: readonly string[]): void {
    this.#reloaded('failed', problems);
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

  #compose(plugins: readonly ComposedPlugin[], previous?: Composition): RunningComposition {
    const composition = new Composition(plugins, this.#services, previous);
    for (const weight of composition.endpointWeights) {
      if (previous?.endpointWeights.includes(weight)) continue;
      weight.onChange((endpoint) => this.clusters.weightChanged(endpoint));
    }
    return new RunningComposition(composition, this.clock, this.#logger);
  }

  #build(
    configuration: Configuration,
    running: RunningComposition,
    plan: ClusterPlan,
    before: Generation | undefined,
  ): Sliced<Generation> {
    return buildGeneration(++this.#numbers, configuration, running, plan, before);
  }

  async #reload(configuration: Configuration, plugins: readonly ComposedPlugin[]): Promise<'changed' | 'unchanged'> {
    const old = this.#generation;
    if (!this.#ready || old === undefined)
      throw new Error('a configuration can be reloaded while the sidecar is ready, neither before nor while it drains');
    const kept = samePlugins(old.running.composition.plugins, plugins);
    if (kept && (await inSlices(sameConfiguration(old.configuration, configuration)))) {
      this.#generation = { ...old, configuration };
      await old.running.reload();
      return 'unchanged';
    }
    const running = kept ? old.running : this.#compose(plugins, old.running.composition);
    const opened = new Map<string, Listener>();
    const number = this.#numbers;
    let plan: ClusterPlan | undefined;
    try {
      checkConfiguration(configuration, running, this.clusters);
      if (!kept) await running.init();
      plan = await inSlices(this.clusters.plan(configuration.clusters, running.composition));
      const next = await inSlices(this.#build(configuration, running, plan, old));
      if (!kept) await running.start();
      for (const spec of configuration.listeners) {
        if (this.#listeners.continued(spec) === undefined)
          opened.set(spec.name, await this.#listeners.open(spec, next));
      }
      if (!this.#ready) throw new Error('a drain began while the configuration was reloaded');
      this.#swap(next, plan, opened);
    } catch (error) {
      this.#numbers = number;
      plan?.discard();
      for (const listener of opened.values()) listener.destroy();
      if (!kept) await running.stop(new Set(old.running.composition.instances));
      throw error;
    }
    if (!kept) await this.#leftovers.take(old);
    this.#leftovers.release();
    await running.reload();
    return 'changed';
  }

  /** In one turn of the event loop: no session sees a half of it. */
  #swap(next: Generation, plan: ClusterPlan, opened: ReadonlyMap<string, Listener>): void {
    plan.commit();
    const gone = this.#listeners.replace(next, opened);
    this.#generation = next;
    this.#drainGone(next, gone);
  }

  /** What a reload has taken away ends gracefully: listeners, and routes that ask for it. */
  #drainGone(next: Generation, gone: readonly Listener[]): void {
    const { timeout, rate } = next.configuration.drain;
    const by: Deadline = { at: this.clock.now() + timeout, rate };
    closeGradually(this.sessions, this.clock, by, 'route-changed', routeHasChanged(next));
    if (gone.length === 0) return;
    void this.#drainProtocols(by, (connection) => gone.some((listener) => listener.accepted(connection)));
  }

  async #drain(): Promise<void> {
    const generation = this.#generation;
    const wasReady = this.#ready;
    this.#ready = false;
    if (generation === undefined) return;
    const { delay, timeout, rate, code } = generation.configuration.drain;
    const by: Deadline = { at: this.clock.now() + timeout, rate, closeCode: this.#closeCode ?? code };
    if (wasReady && delay > 0) await this.#pause(Math.min(delay, timeout));
    for (const direction of ['inbound', 'outbound'] as const) {
      this.#listeners.startDrain(direction);
      await this.#drainProtocols(by, ({ listener }) => listener.direction === direction);
    }
    const seen = new Set<PluginInstance>();
    for (const running of this.#compositions().reverse()) await running.drainLifecycles(by, seen);
    this.#drainFinished = true;
  }

  /** The one in force last. */
  #compositions(): RunningComposition[] {
    return [...this.#leftovers.compositions, ...(this.#generation === undefined ? [] : [this.#generation.running])];
  }

  /** Protocols that were carried over are asked once. */
  async #drainProtocols(by: Deadline, meant: (connection: Connection) => boolean): Promise<void> {
    const protocols = new Map(
      this.#compositions().flatMap((running) =>
        [...running.composition.protocols.values()].map((protocol) => [protocol, running] as const),
      ),
    );
    await Promise.all([...protocols].map(([protocol, running]) => running.drainProtocol(protocol, by, meant)));
  }

  #reloaded(result: 'changed' | 'unchanged' | 'failed', problems?: readonly string[]): void {
    const before = this.#reloads;
    this.#reloads = {
      ...before,
      [result]: before[result] + 1,
      last: { at: this.clock.wallTime(), result, ...(problems !== undefined && { problems }) },
    };
    if (result === 'changed') this.#measure();
  }

  /** A composition may have brought other metrics. */
  #measure(): void {
    const { metrics } = this.composition;
    if (this.#measured === metrics) return;
    this.#measured = metrics;
    measureSidecar(this, this.sessions, metrics);
  }

  async #stop(): Promise<void> {
    this.#ready = false;
    this.#stopCalled.resolve();
    this.#leftovers.end();
    await this.#listeners.close(CUT_MS);
    for (const running of this.#compositions().reverse()) await running.stop();
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
