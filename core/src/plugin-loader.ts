import { existsSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { didYouMean } from './did-you-mean.ts';
import type { Plugin } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import type { LoadedPlugin } from './plugin-order.ts';
import { isSetting } from './schema.ts';

const CORE = '@outrigger/core';
const NAME = /^(@[a-z0-9][a-z0-9-]*\/)?[a-z0-9][a-z0-9-]*$/;
const KEYS = ['name', 'config', 'sections', 'before', 'after', 'bind'];
const SECTIONS = ['listener', 'route', 'cluster', 'endpoint'];

/**
 * Loads what an entry of `plugins:` names: a built-in plugin, a package (looked for from the folder `from`, then from here),
 * or a `.ts`, `.js` or `.mjs` file, absolute or relative to `from`. Wherever a plugin lies, its `@outrigger/core` is the
 * running one. Throws a {@link PluginError}.
 */
export async function loadPlugin(
  use: string,
  from: string,
  builtIn: ReadonlyMap<string, Plugin>,
): Promise<LoadedPlugin> {
  const own = builtIn.get(use);
  if (own !== undefined) return { plugin: own, origin: 'built in' };
  const path = isPath(use) ? findFile(use, from) : findPackage(use, from, builtIn);
  shareCore();
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (error) {
    throw new PluginError(use, `plugin ${use} cannot be loaded: ${explain(error, path)}`, { cause: error });
  }
  if (module.default === undefined) {
    throw new PluginError(
      use,
      `plugin ${use} (${path}) has no default export; end it with "export default definePlugin({ … })"`,
    );
  }
  return { plugin: checkPlugin(module.default, use, path), origin: path };
}

/** Whether `use` names a file. */
export function isPath(use: string): boolean {
  return use.startsWith('./') || use.startsWith('../') || isAbsolute(use);
}

function findFile(use: string, from: string): string {
  const path = resolve(from, use);
  if (!existsSync(path)) throw new PluginError(use, `plugin ${use} does not exist; looked for ${path}`);
  return path;
}

function findPackage(use: string, from: string, builtIn: ReadonlyMap<string, Plugin>): string {
  for (const base of [join(from, 'noop.js'), fileURLToPath(import.meta.url)]) {
    try {
      return createRequire(base).resolve(use);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED')
        return fileURLToPath(import.meta.resolve(use, pathToFileURL(base).href));
    }
  }
  const guess = didYouMean(use, [...builtIn.keys()]);
  const hint =
    guess === undefined
      ? `install the package "${use}" where the configuration lies, or name a file as ./${use}`
      : `did you mean "${guess}"?`;
  throw new PluginError(use, `there is no plugin "${use}": it is neither built in nor an installed package; ${hint}`);
}

let sharing = false;
/** Makes every `@outrigger/core` the running copy, so that a plugin needs no installation of its own. */
function shareCore(): void {
  if (sharing) return;
  sharing = true;
  const url = new URL(import.meta.url.endsWith('.ts') ? './index.ts' : './index.js', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === CORE ? { url, shortCircuit: true } : next(specifier, context),
  });
}

function checkPlugin(value: unknown, use: string, path: string): Plugin {
  const wrong = (what: string) => new PluginError(use, `plugin ${use} (${path}) ${what}`);
  if (typeof value !== 'object' || value === null)
    throw wrong(
      `exports ${value === null ? 'null' : `a ${typeof value}`}; expected an object from definePlugin({ … })`,
    );
  const plugin = value as Plugin;
  if (typeof plugin.name !== 'string' || !NAME.test(plugin.name)) {
    throw wrong(
      `has the name ${JSON.stringify(plugin.name)}; expected lower-case letters, digits and hyphens, with an @scope/ if you like`,
    );
  }
  if (typeof plugin.bind !== 'function')
    throw wrong(`("${plugin.name}") has no function "bind"; expected bind(bind, config) { … }`);
  for (const key of Object.keys(plugin)) {
    if (KEYS.includes(key)) continue;
    const guess = didYouMean(key, KEYS);
    throw wrong(
      `("${plugin.name}") has the unknown property "${key}"; ${guess === undefined ? `known are ${KEYS.join(', ')}` : `did you mean "${guess}"?`}`,
    );
  }
  for (const list of ['before', 'after'] as const) {
    const names = plugin[list];
    if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string'))) {
      throw wrong(`("${plugin.name}") has a "${list}" that is no list of plugin names`);
    }
  }
  for (const section of Object.keys(plugin.sections ?? {})) {
    if (!SECTIONS.includes(section))
      throw wrong(`("${plugin.name}") adds to the unknown section "${section}"; known are ${SECTIONS.join(', ')}`);
  }
  for (const schema of [plugin.config, ...Object.values(plugin.sections ?? {})])
    if (schema !== undefined) checkSchema(schema, '', plugin.name, wrong);
  return plugin;
}

function checkSchema(schema: object, path: string, plugin: string, wrong: (what: string) => PluginError): void {
  for (const [key, node] of Object.entries(schema)) {
    if (isSetting(node)) continue;
    if (typeof node !== 'object' || node === null || 'format' in node || 'doc' in node) {
      throw wrong(
        `("${plugin}") declares the setting "${path}${key}" without ${node !== null && typeof node === 'object' && 'format' in node ? 'a "doc"' : 'a "doc" and a "format"'}`,
      );
    }
    checkSchema(node, `${path}${key}.`, plugin, wrong);
  }
}

/** The error in one line, with the place in the plugin where it happened. */
function explain(error: unknown, path: string): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return `${error.message.split('\n').find((line) => /not supported/.test(line)) ?? error.message}; Node runs TypeScript whose types can be erased: no enum, namespace or parameter property (${path})`;
  }
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING')
    return `a published plugin has to ship JavaScript, not ${path}`;
  const frame = error.stack?.split('\n').find((line) => line.includes(pathToFileURL(path).href) || line.includes(path));
  return `${error.message}${frame === undefined ? ` (${path})` : ` (${frame.trim().replace(/^at /, '')})`}`;
}
