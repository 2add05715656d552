import { isSetting, type Plugin, type Schema, type Setting } from '@outrigger/core';

/** Schemas of the elements that plugins add keys to. */
export interface Sections {
  readonly listener: Schema;
  readonly route: Schema;
  readonly cluster: Schema;
  readonly endpoint: Schema;
}

const ELEMENTS = ['listener', 'route', 'cluster', 'endpoint'] as const;

/**
 * Core's keys and those of all plugins. Two plugins may add to the same section (`timeouts:` belongs to several); the same
 * setting twice is `wrong`, and the first one counts.
 */
export function mergeSections(
  core: Sections,
  plugins: readonly { readonly plugin: Pick<Plugin, 'name' | 'sections'> }[],
  wrong: (message: string) => void,
): Sections {
  const merged: Record<(typeof ELEMENTS)[number], Schema> = { ...core };
  for (const element of ELEMENTS) {
    const owners = new Map<string, string>();
    own(core[element], '', 'the core', owners);
    for (const { plugin } of plugins) {
      const section = plugin.sections?.[element];
      if (!section) continue;
      merged[element] = merge(merged[element], section, '', (path) =>
        wrong(`"${plugin.name}" and ${owners.get(path) ?? 'another plugin'} both define "${path}" for a ${element}`),
      );
      own(section, '', `"${plugin.name}"`, owners);
    }
  }
  return merged;
}

function merge(first: Schema, second: Schema, path: string, clash: (path: string) => void): Schema {
  const merged: Record<string, Setting | Schema> = { ...first };
  for (const [key, added] of Object.entries<Setting | Schema>(second)) {
    const present = Object.hasOwn(merged, key) ? merged[key] : undefined;
    const at = `${path}${key}`;
    if (present === undefined) merged[key] = added;
    else if (isSetting(present) || isSetting(added)) clash(at);
    else merged[key] = merge(present, added, `${at}.`, clash);
  }
  return merged as Schema;
}

function own(schema: Schema, path: string, owner: string, owners: Map<string, string>): void {
  for (const [key, child] of Object.entries<Setting | Schema>(schema)) {
    if (!owners.has(`${path}${key}`)) owners.set(`${path}${key}`, owner);
    if (!isSetting(child)) own(child, `${path}${key}.`, owner, owners);
  }
}
