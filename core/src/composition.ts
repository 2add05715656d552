import { Container, ContainerModule, type ServiceIdentifier } from 'inversify';
import type { Clock as ClockContract } from './clock.ts';
import { TcpConnector } from './connector.ts';
import type { DescriptorBudget } from './descriptor-budget.ts';
import { type ChainEntry, chainHooks, type HookChain } from './hook-chain.ts';
import type { Logger as LoggerContract } from './logger.ts';
import { type Metrics as MetricsContract, noMetrics } from './metrics.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { Bind } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import type { LoadedPlugin } from './plugin-order.ts';
import {
  AdminRoute,
  BalancerFactory,
  Clock,
  ConnectionHooks,
  Connector,
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
  Transport,
} from './tokens.ts';

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
}

/** One plugin's contribution to a token. */
export interface Contribution<T> {
  readonly plugin: string;
  readonly value: T;
}

/** Tokens of which there is one, at most. */
const SINGLE: readonly [ServiceIdentifier<unknown>, string][] = [
  [RouterFactory, 'RouterFactory'],
  [RetryPolicy, 'RetryPolicy'],
  [Metrics, 'Metrics'],
  [IdleConnections, 'IdleConnections'],
];

/** What plugins have contributed, resolved once. Immutable. */
export class Composition {
  readonly plugins: readonly ComposedPlugin[];
  readonly metrics: MetricsContract;
  readonly transports: ReadonlyMap<string, Transport>;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly discoveries: ReadonlyMap<string, Discovery>;
  readonly balancers: ReadonlyMap<string, BalancerFactory>;
  readonly routerFactory: RouterFactory | undefined;
  readonly endpointWeights: readonly EndpointWeight[];
  readonly lifecycles: readonly Contribution<Lifecycle>[];
  readonly adminRoutes: readonly AdminRoute[];
  readonly #hooks: readonly Contribution<ConnectionHooks>[];
  readonly #services: CoreServices;
  readonly #container: Container;
  readonly #contributors: ReadonlyMap<ServiceIdentifier<unknown>, readonly string[]>;
  readonly #chains = new Map<string, HookChain>();

  /** Loads the plugins, in their order, into one container. Throws a {@link PluginError} that names plugin, token and remedy. */
  constructor(plugins: readonly ComposedPlugin[], services: CoreServices) {
    this.plugins = plugins;
    this.#services = services;
    const container = new Container({ defaultScope: 'Singleton' });
    this.#container = container;
    const contributors = new Map<ServiceIdentifier<unknown>, string[]>();
    this.#contributors = contributors;

    container.bind(Clock).toConstantValue(services.clock);
    container.bind(Logger).toConstantValue(services.logger);
    container.bind(Sessions).toConstantValue(services.sessions);
    container.bind(Connector).toConstantValue(new TcpConnector(services.descriptors));
    contributors.set(Connector, ['core']);
    for (const { plugin, settings } of plugins) {
      // Braces matter: inversify takes whatever the callback returns for a promise.
      const module = new ContainerModule(({ bind }) => {
        const counting = ((token: ServiceIdentifier<unknown>) => {
          const names = contributors.get(token) ?? [];
          names.push(plugin.name);
          contributors.set(token, names);
          return bind(token);
        }) as Bind;
        plugin.bind(counting, settings);
      });
      try {
        container.load(module);
      } catch (error) {
        throw new PluginError(plugin.name, `plugin ${plugin.name} failed in bind(): ${messageOf(error)}`, {
          cause: error,
        });
      }
    }
    for (const [token, name] of SINGLE) {
      const names = contributors.get(token) ?? [];
      if (names.length > 1) {
        throw new PluginError(
          names[1]!,
          `the plugins ${names.join(' and ')} both provide ${name}, of which there is one; list one of them only`,
        );
      }
    }
    if (!contributors.has(Metrics)) container.bind(Metrics).toConstantValue(noMetrics);

    this.metrics = container.get(Metrics);
    this.transports = this.#byName(Transport, 'transport', (transport) => transport.name);
    this.protocols = this.#byName(Protocol, 'protocol', (protocol) => protocol.name);
    this.connectors = this.#byName(Connector, 'connector', (connector) => connector.name);
    this.discoveries = this.#byName(Discovery, 'discovery', (discovery) => discovery.name);
    this.balancers = this.#byName(BalancerFactory, 'balancing policy', (factory) => factory.policy);
    this.routerFactory = this.all(RouterFactory)[0]?.value;
    this.endpointWeights = this.all(EndpointWeight).map(({ value }) => value);
    this.lifecycles = this.all(Lifecycle);
    this.adminRoutes = this.all(AdminRoute).map(({ value }) => value);
    this.#hooks = this.all(ConnectionHooks);
  }

  /** Every contribution to a token, in plugin order, with whose it is. */
  all<T>(token: ServiceIdentifier<T>): readonly Contribution<T>[] {
    const names = this.#contributors.get(token);
    if (names === undefined) return [];
    try {
      const values = this.#container.getAll(token);
      return values.map((value, i) => ({ plugin: names[i]!, value }));
    } catch (error) {
      const plugin = names.join(', ');
      throw new PluginError(
        plugin,
        `what ${plugin} contributes to ${nameOf(token)} cannot be made: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** The hooks that one listener's connections go through. Listeners that see the same plugins share a chain. */
  hooksFor(listener: string): HookChain {
    const entries: ChainEntry[] = [];
    let key = '';
    for (const [i, { plugin, value }] of this.#hooks.entries()) {
      const { listeners, onError, timeout } = this.plugins.find((entry) => entry.plugin.name === plugin)!;
      if (listeners !== undefined && !listeners.includes(listener)) continue;
      entries.push({ plugin, hooks: value, onError, timeout });
      key += `${i},`;
    }
    let chain = this.#chains.get(key);
    if (chain === undefined) {
      chain = chainHooks(entries, {
        clock: this.#services.clock,
        logger: this.#services.logger,
        metrics: this.metrics,
      });
      this.#chains.set(key, chain);
    }
    return chain;
  }

  #byName<T>(token: ServiceIdentifier<T>, kind: string, name: (value: T) => string): ReadonlyMap<string, T> {
    const byName = new Map<string, T>();
    const owners = new Map<string, string>();
    for (const { plugin, value } of this.all(token)) {
      const key = name(value);
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new PluginError(
          plugin,
          `the plugins ${owner} and ${plugin} both provide the ${kind} "${key}"; list one of them only`,
        );
      }
      owners.set(key, plugin);
      byName.set(key, value);
    }
    return byName;
  }
}

function nameOf(token: ServiceIdentifier<unknown>): string {
  if (typeof token === 'symbol') return (token.description ?? '').replace(/^outrigger\./, '');
  return typeof token === 'function' ? token.name : String(token);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim().replace(/\s*\n\s*/g, '; ') : String(error);
}
