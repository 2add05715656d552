import { isDeepStrictEqual } from 'node:util';
import { Container, type ServiceIdentifier } from 'inversify';
import type { Clock as ClockContract } from './clock.ts';
import type { Configuration, ListenerSpec } from './configuration.ts';
import type { DescriptorBudget } from './descriptor-budget.ts';
import { didYouMean } from './did-you-mean.ts';
import { type ChainEntry, chainHooks, type HookChain } from './hook-chain.ts';
import { HOOKS } from './hooks.ts';
import type { Logger as LoggerContract } from './logger.ts';
import { type Metrics as MetricsContract, noMetrics } from './metrics.ts';
import type { OpenSessions } from './open-sessions.ts';
import { type Contributors, carryOver, checkNeed, load, messageOf, type Need, nameOf } from './plugin-bindings.ts';
import { PluginError } from './plugin-error.ts';
import { PluginInstance } from './plugin-instance.ts';
import type { LoadedPlugin } from './plugin-order.ts';
import type { Sidecar as SidecarContract } from './sidecar.ts';
import {
  AdminDetails,
  AdminRoute,
  BalancerFactory,
  Clock,
  ConnectionHooks,
  Connector,
  Dialer,
  Discovery,
  EndpointWeight,
  IdleConnections,
  Lifecycle,
  Logger,
  Metrics,
  Protocol,
  RetryPolicy,
  RouterFactory,
  Sessions,
  Sidecar,
  Transport,
} from './tokens.ts';
import type { Connector as ConnectorContract, Dialer as DialerContract } from './transport.ts';

/** A plugin with what its entry in `plugins:` says. */
export interface ComposedPlugin extends LoadedPlugin {
  /** Validated against its `config`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly onError: 'open' | 'closed';
  readonly timeout: number;
  /** Listeners that its hooks see; undefined: all. */
  readonly listeners?: readonly string[] | undefined;
}

/** What core gives to every plugin. */
export interface CoreServices {
  readonly clock: ClockContract;
  readonly logger: LoggerContract;
  readonly sessions: OpenSessions;
  readonly descriptors: DescriptorBudget;
  readonly connector: ConnectorContract & DialerContract;
  readonly sidecar: SidecarContract;
}

/** One plugin's contribution to a token. */
export interface Contribution<T> {
  readonly plugin: string;
  readonly value: T;
}

/** Core's name among those of the contributors. */
const CORE = 'core';

/** Tokens of which there is one, at most. */
const SINGLE: readonly ServiceIdentifier<unknown>[] = [
  RouterFactory,
  RetryPolicy,
  Metrics,
  IdleConnections,
  Clock,
  Logger,
  Sessions,
  Sidecar,
  Dialer,
];

/** Tokens whose contributions sessions and connections call. */
const ON_THE_WAY: readonly ServiceIdentifier<unknown>[] = [
  ConnectionHooks,
  Transport,
  Protocol,
  Connector,
  Discovery,
  BalancerFactory,
  EndpointWeight,
  RouterFactory,
  RetryPolicy,
  Metrics,
];

/** What plugins have contributed, resolved once. Immutable. */
export class Composition {
  readonly plugins: readonly ComposedPlugin[];
  /** One for each plugin, in their order. */
  readonly instances: readonly PluginInstance[];
  readonly metrics: MetricsContract;
  readonly transports: ReadonlyMap<string, Transport>;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly discoveries: ReadonlyMap<string, Discovery>;
  readonly balancers: ReadonlyMap<string, BalancerFactory>;
  readonly routerFactory: RouterFactory | undefined;
  readonly retryPolicy: RetryPolicy | undefined;
  readonly endpointWeights: readonly EndpointWeight[];
  readonly lifecycles: readonly Contribution<Lifecycle>[];
  readonly adminRoutes: readonly AdminRoute[];
  readonly adminDetails: readonly AdminDetails[];
  readonly #hooks: readonly Contribution<ConnectionHooks>[];
  readonly #services: CoreServices;
  readonly #container: Container;
  readonly #contributors: Contributors;
  readonly #chains = new Map<string, HookChain>();

  /**
   * Loads the plugins, in their order, into one container; what `previous` has and nothing has changed about is carried over.
   * Throws a {@link PluginError} that names plugin, token and remedy.
   */
  constructor(plugins: readonly ComposedPlugin[], services: CoreServices, previous?: Composition) {
    this.plugins = plugins;
    this.#services = services;
    const container = new Container({ defaultScope: 'Singleton' });
    this.#container = container;
    const contributors: Contributors = new Map();
    this.#contributors = contributors;

    container.bind(Clock).toConstantValue(services.clock);
    container.bind(Logger).toConstantValue(services.logger);
    container.bind(Sessions).toConstantValue(services.sessions);
    container.bind(Sidecar).toConstantValue(services.sidecar);
    container.bind(Connector).toConstantValue(services.connector);
    container.bind(Dialer).toConstantValue(services.connector);
    for (const token of [Clock, Logger, Sessions, Sidecar, Connector, Dialer]) contributors.set(token, [CORE]);
    const needs: Need[] = [];
    this.instances = this.#load(previous, needs);
    for (const token of SINGLE) {
      const [first, second] = contributors.get(token) ?? [];
      if (second !== undefined) throw twice(first!, second, nameOf(token), 'of which there is one');
    }
    if (!contributors.has(Metrics)) {
      container.bind(Metrics).toConstantValue(noMetrics);
      contributors.set(Metrics, [CORE]);
    }
    for (const need of needs) checkNeed(need, container, contributors);

    this.metrics = this.get(Metrics)!;
    this.transports = this.#byName(Transport, 'transport', (transport) => transport.name);
    this.protocols = this.#byName(Protocol, 'protocol', (protocol) => protocol.name);
    this.connectors = this.#byName(Connector, 'connector', (connector) => connector.name);
    this.discoveries = this.#byName(Discovery, 'discovery', (discovery) => discovery.name);
    this.balancers = this.#byName(BalancerFactory, 'balancing policy', (factory) => factory.policy);
    this.routerFactory = this.get(RouterFactory);
    this.retryPolicy = this.get(RetryPolicy);
    this.endpointWeights = this.all(EndpointWeight).map(({ value }) => value);
    this.lifecycles = this.all(Lifecycle);
    this.adminRoutes = this.all(AdminRoute).map(({ value }) => value);
    this.adminDetails = this.all(AdminDetails).map(({ value }) => value);
    this.#hooks = this.all(ConnectionHooks);
    for (const contribution of this.#hooks) checkHooks(contribution);
  }

  /** What a token of which there is one stands for; undefined where nobody provides it. */
  get<T>(token: ServiceIdentifier<T>): T | undefined {
    return this.all(token)[0]?.value;
  }

  /** Every contribution to a token, in plugin order, with whose it is. */
  all<T>(token: ServiceIdentifier<T>): readonly Contribution<T>[] {
    const names = this.#contributors.get(token);
    if (names === undefined) return [];
    let values: T[];
    try {
      values = this.#container.getAll(token);
    } catch (error) {
      if (error instanceof PluginError) throw error;
      const plugins = [...new Set(names)].join(', ');
      const message = `what ${plugins} contributes to ${nameOf(token)} cannot be made: ${messageOf(error)}`;
      throw new PluginError(names.at(-1)!, message, { cause: error });
    }
    if (values.length !== names.length) {
      const plugins = [...new Set(names)].join(', ');
      throw new PluginError(
        names.at(-1)!,
        `of the ${names.length} bindings of ${nameOf(token)} (by ${plugins}) ${values.length} can be had; end each with to…(), and without a when…()`,
      );
    }
    // What was carried over was bound last.
    return values
      .map((value, i) => ({ plugin: names[i]!, value }))
      .sort((a, b) => this.#place(a.plugin) - this.#place(b.plugin));
  }

  /** The hooks that `configuration` asks for on one of its listeners, in plugin order. */
  hooksOn(listener: ListenerSpec, configuration: Configuration): readonly Contribution<ConnectionHooks>[] {
    return this.#hooks.filter(({ plugin, value }) => {
      const { listeners } = this.#entryOf(plugin);
      if (listeners !== undefined && !listeners.includes(listener.name)) return false;
      try {
        return value.wanted?.(configuration, listener) !== false;
      } catch (error) {
        throw new PluginError(
          plugin,
          `plugin ${plugin} failed to say whether listener ${listener.name} wants its hooks: ${messageOf(error)}`,
          { cause: error },
        );
      }
    });
  }

  /** The same as one chain. Listeners that see the same hooks share it. */
  hooksFor(listener: ListenerSpec, configuration: Configuration): HookChain {
    const seen = this.hooksOn(listener, configuration);
    const key = seen.map((contribution) => this.#hooks.indexOf(contribution)).join();
    let chain = this.#chains.get(key);
    if (chain === undefined) {
      const entries: ChainEntry[] = seen.map(({ plugin, value }) => {
        const { onError, timeout } = this.#entryOf(plugin);
        return { plugin, hooks: value, onError, timeout };
      });
      chain = chainHooks(entries, {
        clock: this.#services.clock,
        logger: this.#services.logger,
        metrics: this.metrics,
      });
      this.#chains.set(key, chain);
    }
    return chain;
  }

  /** Plugins that are new first: what they contribute decides whether others can be carried over. */
  #load(previous: Composition | undefined, needs: Need[]): PluginInstance[] {
    const container = this.#container;
    const contributors = this.#contributors;
    const instances = new Map<string, PluginInstance>();
    const fresh = (composed: ComposedPlugin) => {
      const instance = new PluginInstance(composed);
      instances.set(instance.name, instance);
      load(instance, container, contributors, needs);
    };
    const kept = new Map<string, PluginInstance>();
    for (const composed of this.plugins) {
      const before = previous?.instances.find(({ plugin }) => plugin === composed.plugin);
      if (before !== undefined && isDeepStrictEqual(before.settings, composed.settings)) kept.set(before.name, before);
      else fresh(composed);
    }
    const all = kept.size === this.plugins.length && kept.size === previous?.instances.length;
    const depends = (instance: PluginInstance) =>
      (instance.untold > 0 && !all) ||
      [...instance.injects].some((token) => {
        const before = previous!.#contributors.get(token) ?? [];
        const now = contributors.get(token) ?? [];
        return [...before, ...now].some((name) => name !== CORE && !kept.has(name));
      });
    for (let changed = true; changed; ) {
      changed = false;
      for (const composed of this.plugins) {
        const instance = kept.get(composed.plugin.name);
        if (instance === undefined || !depends(instance)) continue;
        kept.delete(instance.name);
        fresh(composed);
        changed = true;
      }
    }
    for (const instance of kept.values()) {
      const made = (token: ServiceIdentifier<unknown>) =>
        previous!
          .all(token)
          .filter(({ plugin }) => plugin === instance.name)
          .map(({ value }) => value);
      carryOver(instance, made, container, contributors);
      instances.set(instance.name, instance);
    }
    return this.plugins.map(({ plugin }) => instances.get(plugin.name)!);
  }

  /** The plugins that a session may call, directly or through another that it calls. */
  onSessionsWay(): Set<PluginInstance> {
    const calls = new Set(
      this.instances.filter(({ contributes }) => ON_THE_WAY.some((token) => contributes.has(token))),
    );
    for (const instance of calls) {
      for (const other of this.instances) {
        if (instance.untold > 0 || [...instance.injects].some((token) => other.contributes.has(token)))
          calls.add(other);
      }
    }
    return calls;
  }

  #entryOf(plugin: string): ComposedPlugin {
    return this.plugins.find((entry) => entry.plugin.name === plugin)!;
  }

  #place(plugin: string): number {
    return this.plugins.findIndex((composed) => composed.plugin.name === plugin);
  }

  #byName<T>(token: ServiceIdentifier<T>, kind: string, name: (value: T) => string): ReadonlyMap<string, T> {
    const byName = new Map<string, T>();
    const owners = new Map<string, string>();
    for (const { plugin, value } of this.all(token)) {
      const key = name(value);
      const owner = owners.get(key);
      if (owner !== undefined) throw twice(owner, plugin, `the ${kind} "${key}"`, 'and names are unique');
      owners.set(key, plugin);
      byName.set(key, value);
    }
    return byName;
  }
}

function checkHooks({ plugin, value }: Contribution<ConnectionHooks>): void {
  if (typeof value !== 'object' || value === null)
    throw new PluginError(plugin, `plugin ${plugin} binds ${describe(value)} to ConnectionHooks; expected an object`);
  const hooks = value as Record<string, unknown>;
  for (const hook of ['wanted', ...HOOKS]) {
    if (hooks[hook] !== undefined && typeof hooks[hook] !== 'function')
      throw new PluginError(
        plugin,
        `the hook ${hook} of plugin ${plugin} is ${describe(hooks[hook])}; expected a function`,
      );
  }
  const methods = Object.getPrototypeOf(value) as object | null;
  for (const key of [...Object.keys(value), ...(methods === null ? [] : Object.getOwnPropertyNames(methods))]) {
    if (!/^on[A-Z]/.test(key) || (HOOKS as readonly string[]).includes(key)) continue;
    const guess = didYouMean(key, HOOKS);
    if (guess !== undefined)
      throw new PluginError(plugin, `plugin ${plugin} has the unknown hook "${key}"; did you mean "${guess}"?`);
  }
}

function twice(first: string, second: string, what: string, rule: string): PluginError {
  if (first === second)
    return new PluginError(second, `plugin ${second} provides ${what} twice, ${rule}; bind it once`);
  if (first === CORE)
    return new PluginError(second, `plugin ${second} provides ${what}, which is core's own; remove that binding`);
  return new PluginError(
    second,
    `the plugins ${first} and ${second} both provide ${what}, ${rule}; list one of them only`,
  );
}

function describe(value: unknown): string {
  return value === null ? 'null' : `a ${typeof value}`;
}
