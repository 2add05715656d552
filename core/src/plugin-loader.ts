import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { didYouMean } from './did-you-mean.ts';
import { versionOf } from './module-version.ts';
import type { Plugin } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import type { LoadedPlugin } from './plugin-order.ts';
import { isSetting } from './schema.ts';

const CORE = '@outrigger/core';
/** Asks the hook below to resolve a package from a folder: `import.meta.resolve` itself knows only our own. */
const FROM_FOLDER = 'outrigger-plugin:';
/** Marks the address of a module that has changed since it was first loaded. */
const VERSION = 'outrigger-version=';
const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs'];
const NAME = /^(@[a-z0-9][a-z0-9-]*\/)?[a-z0-9][a-z0-9-]*$/;
const KEYS = ['name', 'config', 'sections', 'before', 'after', 'bind'];
const SECTIONS = ['listener', 'route', 'cluster', 'endpoint'];

/**
 * Loads what an entry of `plugins:` names: a built-in plugin, a package (looked for from the folder `from`, then from here),
 * or a `.ts`, `.js` or `.mjs` file, absolute or relative to `from`. Wherever a plugin lies, its `@outrigger/core` is the
 * running one. A module that has changed since it was last loaded, or whose relative imports have, is loaded anew. Throws a
 * {@link PluginError}.
 */
export async function loadPlugin(
  use: string,
  from: string,
  builtIn: ReadonlyMap<string, Plugin>,
): Promise<LoadedPlugin> {
  const own = builtIn.get(use);
  if (own !== undefined) return { plugin: own, origin: 'built in' };
  installHook();
  const path = isPath(use) ? findFile(use, from) : findPackage(use, from, builtIn);
  let module: { default?: unknown };
  try {
    module = (await import(urlOf(path))) as typeof module;
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

/** The versions of each module so far. The first has no query: a module that never changes is loaded under its own name. */
const versions = new Map<string, string[]>();

/** Node keeps what it has loaded for ever (some 10 KB for each version): so a changed module gets another address. */
function urlOf(path: string): string {
  const { href } = pathToFileURL(path);
  const known = versions.get(path) ?? [];
  versions.set(path, known);
  const version = versionOf(path);
  if (!known.includes(version)) known.push(version);
  return version === known[0] ? href : `${href}?${VERSION}${version}`;
}

/** Whether `use` names a file. */
export function isPath(use: string): boolean {
  return use.startsWith('./') || use.startsWith('../') || isAbsolute(use);
}

function findFile(use: string, from: string): string {
  const path = resolve(from, use);
  if (!existsSync(path)) throw new PluginError(use, `plugin ${use} does not exist; looked for ${path}`);
  if (!EXTENSIONS.includes(extname(path)))
    throw new PluginError(
      use,
      `plugin ${use} (${path}) is no module; expected a file that ends in ${EXTENSIONS.join(', ')}`,
    );
  return path;
}

function findPackage(use: string, from: string, builtIn: ReadonlyMap<string, Plugin>): string {
  for (const base of [pathToFileURL(join(from, 'outrigger.yaml')).href, import.meta.url]) {
    try {
      const url = import.meta.resolve(FROM_FOLDER + encodeURIComponent(JSON.stringify([use, base])));
      if (url.startsWith('file:')) return fileURLToPath(url);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_INVALID_MODULE_SPECIFIER') continue;
      throw new PluginError(use, `plugin ${use} cannot be loaded: ${(error as Error).message}`, { cause: error });
    }
  }
  const guess = didYouMean(use, [...builtIn.keys()]);
  const hint =
    guess === undefined
      ? `install the package "${use}" where the configuration lies, or name a file as ./${use}`
      : `did you mean "${guess}"?`;
  throw new PluginError(use, `there is no plugin "${use}": it is neither built in nor an installed package; ${hint}`);
}

let installed = false;
/** Makes every `@outrigger/core` the running copy, so that a plugin needs no installation of its own. */
function installHook(): void {
  if (installed) return;
  installed = true;
  const url = new URL(import.meta.url.endsWith('.ts') ? './index.ts' : './index.js', import.meta.url).href;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === CORE) return { url, shortCircuit: true };
      if (!specifier.startsWith(FROM_FOLDER)) {
        // What a changed module imports by a relative path is loaded anew with it.
        const version = context.parentURL?.split('?', 2)[1];
        if (!version?.startsWith(VERSION) || !/^\.{1,2}\//.test(specifier)) return next(specifier, context);
        const resolved = next(specifier, context);
        return { ...resolved, url: `${resolved.url}?${version}` };
      }
      const [use, parentURL] = JSON.parse(decodeURIComponent(specifier.slice(FROM_FOLDER.length))) as [string, string];
      return next(use, { ...context, parentURL });
    },
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
  if (plugin.sections !== undefined && (typeof plugin.sections !== 'object' || plugin.sections === null))
    throw wrong(`("${plugin.name}") has "sections" that are no object; known are ${SECTIONS.join(', ')}`);
  for (const section of Object.keys(plugin.sections ?? {})) {
    if (!SECTIONS.includes(section))
      throw wrong(`("${plugin.name}") adds to the unknown section "${section}"; known are ${SECTIONS.join(', ')}`);
  }
  for (const schema of [plugin.config, ...Object.values(plugin.sections ?? {})])
    if (schema !== undefined) checkSchema(schema, '', plugin.name, wrong);
  return plugin;
}

function checkSchema(schema: object, path: string, plugin: string, wrong: (what: string) => PluginError): void {
  if (typeof schema !== 'object' || schema === null)
    throw wrong(`("${plugin}") has a schema that is no object; expected { setting: { doc, format } }`);
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

/** The error in one line, with the place in the plugin where it happened, and what to do where that is known. */
function explain(error: unknown, path: string): string {
  if (!(error instanceof Error)) return `it throws ${String(error)} (${path})`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING')
    return `a published plugin has to ship JavaScript, not ${path}`;
  const what = `${error.message} (${placeOf(error, path)})`;
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return `${what}; Node runs TypeScript whose types can be erased: no enum, namespace or parameter property`;
  const missing = /does not provide an export named '(\w+)'/.exec(error.message);
  if (missing !== null) return `${what}; if ${missing[1]} is a type, import it as "type ${missing[1]}"`;
  return what;
}

/** A syntax error has its place on the first line of the stack, a thrown error in one of its frames. */
function placeOf(error: Error, path: string): string {
  const place = error.stack?.split('\n').find((line) => line.includes(pathToFileURL(path).href) || line.includes(path));
  const found = place === undefined ? null : /:(\d+(?::\d+)?)\)?$/.exec(place);
  return found === null ? path : `${path}:${found[1]}`;
}
