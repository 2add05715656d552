import { dirname, resolve } from 'node:path';
import {
  configurationFor,
  type Document,
  formatProblem,
  type Problem,
  readDocument,
  type SidecarConfiguration,
  validate,
} from '@outrigger/config';
import { type ComposedPlugin, type LoadedPlugin, loadPlugin, orderPlugins, PluginError } from '@outrigger/core';
import type { ConfigurationSource } from './arguments.ts';
import { builtIn } from './built-in.ts';

/** A configuration that is valid, with the plugins that it takes, in their order. */
export interface Loaded {
  readonly configuration: SidecarConfiguration;
  readonly plugins: readonly ComposedPlugin[];
}

/** A configuration that is not: exit code 78. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** Each in one line. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Reads, loads the plugins, validates. Throws a {@link ConfigurationError} with every problem at once. */
export async function load(source: ConfigurationSource, env: NodeJS.ProcessEnv = process.env): Promise<Loaded> {
  const document =
    source.file === undefined
      ? configurationFor({ listen: source.listen!, to: source.to! }, env, source.set)
      : readDocument(source.file, env, source.set);
  const { own, failures } = await loadListed(document, source.file);
  const listed = own.map(({ loaded: { plugin }, entry }) => ({ plugin, entry }));
  const own_ = new Set(own.map(({ loaded }) => loaded.plugin.name));
  const plugins = [...builtIn.filter(({ name }) => !own_.has(name)).map((plugin) => ({ plugin })), ...listed];
  // Names that other plugins add are not known before they are composed: then the composition refuses what is wrong.
  const known = own.length === 0 ? { balancers: new Map([['round-robin', undefined]]) } : {};
  const { configuration, problems } = validate(document, { plugins, failures, ...known });
  if (problems !== undefined) throw new ConfigurationError(problems.map((problem: Problem) => formatProblem(problem)));
  return {
    configuration,
    plugins: compose(
      configuration,
      own.map(({ loaded }) => loaded),
    ),
  };
}

/** The plugins of the file; built-in ones among them are settings alone. */
async function loadListed(document: Document, file: string | undefined) {
  const from = file === undefined ? process.cwd() : dirname(resolve(file));
  const names = new Map(builtIn.map((plugin) => [plugin.name, plugin]));
  const own: { loaded: LoadedPlugin; entry: Document['plugins'][number] }[] = [];
  const failures: { entry: Document['plugins'][number]; message: string }[] = [];
  for (const entry of document.plugins) {
    if (names.has(entry.use)) continue;
    try {
      own.push({ loaded: await loadPlugin(entry.use, from, names), entry });
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      failures.push({ entry, message: error.message });
    }
  }
  return { own, failures };
}

/** Built-in ones first, in their order; then those of the file, as `before` and `after` demand. */
function compose(configuration: SidecarConfiguration, own: readonly LoadedPlugin[]): ComposedPlugin[] {
  const origins = new Map(own.map((loaded) => [loaded.plugin, loaded.origin]));
  const all = [...builtIn.map((plugin) => ({ plugin, origin: 'built in' })), ...own];
  try {
    return orderPlugins(all).map((loaded) => {
      const index = all.indexOf(loaded);
      const { settings, onError, timeout, listeners } = configuration.plugins[index]!;
      return { ...loaded, origin: origins.get(loaded.plugin) ?? 'built in', settings, onError, timeout, listeners };
    });
  } catch (error) {
    if (error instanceof PluginError) throw new ConfigurationError([error.message]);
    throw error;
  }
}
