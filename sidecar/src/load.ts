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
import { BUILT_IN, rootSettings } from './built-in.ts';

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
  const document = read(source, env);
  const { listed, failures } = await loadListed(document);
  const plugins = [...BUILT_IN.map((plugin) => ({ plugin })), ...listed];
  // Names that other plugins add are not known before they are composed: then the composition refuses what is wrong.
  const known = listed.length === 0 ? { balancers: new Map([['round-robin', undefined]]) } : {};
  const { configuration, problems } = validate(document, { plugins, failures, ...known });
  if (problems !== undefined) throw new ConfigurationError(problems.map((problem: Problem) => formatProblem(problem)));
  return { configuration, plugins: order(configuration, listed) };
}

function read(source: ConfigurationSource, env: NodeJS.ProcessEnv): Document {
  if (source.text !== undefined) return readDocument({ text: source.text, name: 'outrigger.yaml' }, env, source.set);
  if (source.file !== undefined) return readDocument(source.file, env, source.set);
  return configurationFor({ listen: source.listen!, to: source.to! }, env, source.set);
}

/** A plugin of the file, with its entry. */
interface Listed extends LoadedPlugin {
  readonly entry: Document['plugins'][number];
}

/** The plugins of the file; an entry that names a built-in one is settings alone. */
async function loadListed(document: Document) {
  const names = new Map(BUILT_IN.map((plugin) => [plugin.name, plugin]));
  const listed: Listed[] = [];
  const failures: { entry: Document['plugins'][number]; message: string }[] = [];
  for (const entry of document.plugins) {
    if (names.has(entry.use)) continue;
    try {
      listed.push({ ...(await loadPlugin(entry.use, document.directory, names)), entry });
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      failures.push({ entry, message: error.message });
    }
  }
  return { listed, failures };
}

/** Built-in ones first, in their order; then those of the file, as `before` and `after` demand. */
function order(configuration: SidecarConfiguration, listed: readonly Listed[]): ComposedPlugin[] {
  const root = rootSettings(configuration);
  const all: LoadedPlugin[] = [...BUILT_IN.map((plugin) => ({ plugin, origin: 'built in' })), ...listed];
  try {
    return orderPlugins(all).map(({ plugin, origin }) => {
      const index = all.findIndex((loaded) => loaded.plugin === plugin);
      const { settings, onError, timeout, listeners } = configuration.plugins[index]!;
      return { plugin, origin, settings: { ...settings, ...root[plugin.name] }, onError, timeout, listeners };
    });
  } catch (error) {
    if (error instanceof PluginError) throw new ConfigurationError([error.message]);
    throw error;
  }
}
