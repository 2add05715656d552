import type { Plugin } from './plugin.ts';
import { PluginError } from './plugin-error.ts';

/** A plugin with where it came from, for messages. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  /** `built in`, or the package or file. */
  readonly origin: string;
}

/**
 * Keeps the given order except where a plugin's `before` or `after` demands another. Throws a PluginError on a name that
 * comes twice and on a cycle, which it names.
 */
export function orderPlugins<P extends LoadedPlugin>(plugins: readonly P[]): P[] {
  const byName = new Map<string, P>();
  for (const entry of plugins) {
    const { name } = entry.plugin;
    const other = byName.get(name);
    if (other !== undefined) {
      throw new PluginError(
        name,
        `two plugins have the name "${name}" (${other.origin}; ${entry.origin}); list one of them only`,
      );
    }
    byName.set(name, entry);
  }
  const predecessors = new Map<string, Set<string>>(plugins.map(({ plugin }) => [plugin.name, new Set()]));
  for (const { plugin } of plugins) {
    for (const later of plugin.before ?? []) predecessors.get(later)?.add(plugin.name);
    for (const earlier of plugin.after ?? []) if (byName.has(earlier)) predecessors.get(plugin.name)!.add(earlier);
  }

  const ordered: P[] = [];
  const done = new Set<string>();
  /** Those that wait for the one being placed; found again among them, a name closes a cycle. */
  const waiting: string[] = [];
  const place = (name: string) => {
    if (done.has(name)) return;
    if (waiting.includes(name)) {
      const cycle = [...waiting.slice(waiting.indexOf(name)), name].reverse().join(' → ');
      throw new PluginError(
        name,
        `the order of the plugins goes in a circle: ${cycle}; drop one of their "before" or "after"`,
      );
    }
    waiting.push(name);
    for (const { plugin } of plugins) if (predecessors.get(name)!.has(plugin.name)) place(plugin.name);
    waiting.pop();
    done.add(name);
    ordered.push(byName.get(name)!);
  };
  for (const { plugin } of plugins) place(plugin.name);
  return ordered;
}
