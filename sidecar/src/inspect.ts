import {
  configurationFor,
  type Document,
  formatProblem,
  type Known,
  type LoadedPlugin as KnownPlugin,
  maskSecrets,
  type Origin,
  type PluginEntry,
  type Problem,
  positionAt,
  readDocument,
  type SidecarConfiguration,
  sortProblems,
  validate,
} from '@outrigger/config';
import {
  type ComposedPlugin,
  Composition,
  type Connector,
  DescriptorBudget,
  type Dialer,
  type LoadedPlugin,
  type Logger,
  loadPlugin,
  OpenSessions,
  orderPlugins,
  type Plugin,
  PluginError,
  type Route,
  type Sidecar,
  VirtualClock,
} from '@outrigger/core';
import type { ConfigurationSource } from './arguments.ts';
import { BUILT_IN, rootSettings } from './built-in.ts';
import { ConfigurationError } from './configuration-error.ts';

/** A valid configuration, and what its plugins come to, without anything of it having begun. */
export interface Inspection {
  readonly document: Document;
  readonly configuration: SidecarConfiguration;
  /** In the order in which they are composed. */
  readonly plugins: readonly ComposedPlugin[];
  readonly composition: Composition;
  /** What the file says of plugins, by their names. */
  readonly entries: ReadonlyMap<string, PluginEntry>;
  /** Where each value came from, by the path that it has in the file. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** What plugins warned of while they were composed. */
  readonly warnings: readonly string[];
}

/** Is told of each plugin of the file when its module begins to load: the place of its entry, and what that names. */
export type Loading = (place: string) => void;

/**
 * Reads, loads the plugins, composes them, validates with all that they contribute, and builds routes and balancers. Nothing
 * is started: no socket is opened, no name is looked up. Throws a {@link ConfigurationError} with every problem at once.
 */
export async function inspect(
  source: ConfigurationSource,
  env: NodeJS.ProcessEnv = process.env,
  loading?: Loading,
): Promise<Inspection> {
  const prepared = await prepare(readSource(source, env), loading);
  const { composed, known, problems, warnings } = compose(prepared);
  const origins = new Map<string, Origin>();
  const { configuration, problems: found = [] } = validate(prepared.document, known, origins);
  const all = [...problems, ...found];
  if (configuration !== undefined && composed !== undefined && all.length === 0)
    all.push(...build(configuration, composed.composition, prepared.document));
  if (configuration === undefined || composed === undefined || all.length > 0)
    throw new ConfigurationError(sortProblems(all).map(formatProblem));
  const entries = entriesOf(prepared);
  return { document: prepared.document, configuration, ...composed, entries, origins, warnings };
}

/** What may be configured with the built-in plugins, and those of a file where one is given. Throws as {@link inspect}. */
export async function knownWith(source: ConfigurationSource | undefined, env = process.env): Promise<Known> {
  const document =
    source === undefined ? readDocument({ text: '', name: 'outrigger.yaml' }, env) : readSource(source, env);
  const prepared = await prepare(document);
  const { composed, known, problems } = compose(prepared);
  const failures = prepared.failures.map(({ entry, message }) => ({ ...entry.position, path: entry.path, message }));
  const all = [...failures, ...problems];
  if (composed === undefined && all.length === 0) all.push(...(validate(document, known).problems ?? []));
  if (all.length > 0) throw new ConfigurationError(sortProblems(all).map(formatProblem));
  return known;
}

export function readSource(source: ConfigurationSource, env: NodeJS.ProcessEnv): Document {
  if (source.text !== undefined) return readDocument({ text: source.text, name: 'outrigger.yaml' }, env, source.set);
  if (source.file !== undefined) return readDocument(source.file, env, source.set);
  return configurationFor({ listen: source.listen!, to: source.to! }, env, source.set);
}

const BUILT_IN_NAMES: ReadonlyMap<string, Plugin> = new Map(BUILT_IN.map((plugin) => [plugin.name, plugin]));

/** The plugins of a configuration that is valid, in the order in which they are composed; `directory` is that of its file. */
export async function pluginsOf(configuration: SidecarConfiguration, directory: string): Promise<ComposedPlugin[]> {
  const root = rootSettings(configuration);
  const plugins: ComposedPlugin[] = [];
  for (const { use, settings, onError, timeout, listeners } of configuration.plugins) {
    const loaded = await loadPlugin(use, directory, BUILT_IN_NAMES);
    plugins.push({ ...loaded, settings: { ...settings, ...root[loaded.plugin.name] }, onError, timeout, listeners });
  }
  return orderPlugins(plugins);
}

/** A document with its plugins. */
interface Prepared {
  readonly document: Document;
  /** Built-in ones first, then those of the file, each with its entry. */
  readonly loaded: readonly (LoadedPlugin & KnownPlugin)[];
  readonly failures: readonly { readonly entry: PluginEntry; readonly message: string }[];
}

async function prepare(document: Document, loading?: Loading): Promise<Prepared> {
  const names = BUILT_IN_NAMES;
  const loaded: (LoadedPlugin & KnownPlugin)[] = BUILT_IN.map((plugin) => ({ plugin, origin: 'built in' }));
  const failures: { entry: PluginEntry; message: string }[] = [];
  for (const entry of document.plugins) {
    if (names.has(entry.use)) continue;
    const { file, line, column } = entry.position;
    loading?.(`${file}:${line}:${column} ${entry.path}: plugin ${entry.use}`);
    try {
      loaded.push({ ...(await loadPlugin(entry.use, document.directory, names)), entry });
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      failures.push({ entry, message: error.message });
    }
  }
  return { document, loaded, failures };
}

interface Composed {
  /** Undefined where that failed, or where there was nothing to compose. */
  readonly composed: { readonly plugins: readonly ComposedPlugin[]; readonly composition: Composition } | undefined;
  readonly known: Known;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

function entriesOf({ document, loaded }: Prepared): Map<string, PluginEntry> {
  const entries = loaded.map(({ plugin, entry }): [string, PluginEntry | undefined] => [
    plugin.name,
    entry ?? document.plugins.find(({ use }) => use === plugin.name),
  ]);
  return new Map(entries.filter((pair): pair is [string, PluginEntry] => pair[1] !== undefined));
}

/**
 * Composes the plugins: what they contribute is needed to find what else is wrong. A built-in one whose settings are not valid
 * counts with its defaults; where one of the file is missing, nobody knows which names there would be.
 */
function compose({ document, loaded, failures }: Prepared): Composed {
  const base: Known = { plugins: loaded, failures };
  // Which protocols there are shows when it is composed; until then those pass that there may be.
  const first = validate(document, { ...base, protocols: ['http', 'https'] });
  const specs = first.configuration === undefined ? first.plugins : first.configuration.plugins;
  const byDefault = validate(readDocument({ text: '', name: document.file }, {}), base).plugins ?? [];
  const root = first.configuration === undefined ? {} : rootSettings(first.configuration);
  const ready = loaded.flatMap(({ plugin, origin, entry }, index) => {
    const spec = specs[index] ?? (entry === undefined ? byDefault[index] : undefined);
    if (spec === undefined) return [];
    const { settings, onError, timeout, listeners } = spec;
    return [{ plugin, origin, settings: { ...settings, ...root[plugin.name] }, onError, timeout, listeners }];
  });
  const problems: Problem[] = [];
  const warnings: string[] = [];
  if (ready.length < loaded.length || failures.length > 0 || document.unreadable)
    return { composed: undefined, known: base, problems, warnings };
  try {
    const plugins = orderPlugins(ready);
    const composition = new Composition(plugins, {
      clock: new VirtualClock(),
      logger: collecting(warnings),
      sessions: new OpenSessions(),
      descriptors: new DescriptorBudget(),
      connector: { name: 'tcp' } as Connector & Dialer,
      sidecar: { adminRoutes: [], adminDetails: [] } as unknown as Sidecar,
    });
    return { composed: { plugins, composition }, known: { ...base, ...contributed(composition) }, problems, warnings };
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    problems.push(problemOf(error, document, loaded, ready));
    return { composed: undefined, known: base, problems, warnings };
  }
}

/** Names that plugins add to what may be configured. */
function contributed({ balancers, discoveries, protocols, transports }: Composition): Partial<Known> {
  return {
    balancers: new Map([...balancers].map(([name, { config }]) => [name, config])),
    discoveries: new Map(
      [...discoveries].filter(([name]) => name !== 'static').map(([name, { config }]) => [name, config]),
    ),
    protocols: [...(protocols.has('http/1.1') ? ['http'] : []), ...(transports.has('tls') ? ['https'] : [])],
  };
}

/** Where a plugin is listed, with what it says of itself, but for secrets. */
function problemOf(
  error: PluginError,
  document: Document,
  loaded: Prepared['loaded'],
  ready: readonly ComposedPlugin[],
): Problem {
  if (error.keys !== undefined)
    return { ...positionAt(document.root, error.keys), path: error.keys.join('.'), message: error.message };
  const listed = loaded.find(({ plugin, entry }) => plugin.name === error.plugin || entry?.use === error.plugin)?.entry;
  // A built-in plugin may be blamed without having an entry, where a listed one is as much to blame: a circle, say.
  const named = loaded.find(({ plugin, entry }) => entry !== undefined && error.message.includes(` ${plugin.name} `));
  const entry = listed ?? document.plugins.find(({ use }) => use === error.plugin) ?? named?.entry;
  const position = entry?.position ?? { file: document.file, line: 1, column: 1 };
  const message = ready.reduce(
    (text, { plugin, settings }) => maskSecrets(text, plugin.config, settings),
    error.message,
  );
  return { ...position, path: entry?.path ?? 'plugins', message };
}

/** What only shows when it is built: routes that a router refuses, settings that a policy refuses. */
function build(configuration: SidecarConfiguration, composition: Composition, document: Document): Problem[] {
  const problems: Problem[] = [];
  const attempt = (map: 'listeners' | 'clusters', name: string, make: () => unknown) => {
    try {
      make();
    } catch (error) {
      const named = document.root.entries.get(map)?.node;
      const position =
        (named?.kind === 'map' ? named.entries.get(name) : undefined)?.position ?? document.root.position;
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ ...position, path: `${map}.${name}`, message });
    }
  };
  for (const spec of configuration.listeners)
    if (spec.protocol === 'https')
      attempt('listeners', spec.name, () => composition.transports.get('tls')?.check?.(spec));
  for (const spec of configuration.clusters)
    if (spec.settings['tls'] !== undefined)
      attempt('clusters', spec.name, () => composition.connectors.get('tls')?.check?.(spec));
  for (const listener of configuration.listeners) {
    const { name, routes } = listener;
    attempt(
      'listeners',
      name,
      () =>
        composition.routerFactory?.create(
          routes.map((spec, index) => ({
            spec,
            route: { name: `${name}[${index}]`, cluster: { name: spec.cluster }, settings: spec.settings } as Route,
          })),
        ) && composition.hooksFor(listener, configuration),
    );
  }
  for (const { name, balancer } of configuration.clusters)
    attempt('clusters', name, () => composition.balancers.get(balancer.policy)!.create(balancer.settings));
  return problems;
}

function collecting(warnings: string[]): Logger {
  const logger: Logger = {
    level: 'warn',
    debug() {},
    info() {},
    warn: (message) => void warnings.push(message),
    error: (message) => void warnings.push(message),
    child: () => logger,
  };
  return logger;
}
