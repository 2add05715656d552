import { describeOrigin, type Origin } from '@outrigger/config';
import { type ConfiguredValue, valuesIn } from '@outrigger/core';
import type { Inspection } from './inspect.ts';

/** An entry of `plugins:` as it may be shown. */
export interface ShownPlugin {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Path of its entry and of its settings in the file. */
  readonly path: string | undefined;
  readonly settingsPath: string;
}

/** In the order in which they are composed. */
export function shownPlugins({ configuration, plugins, entries }: Inspection): ShownPlugin[] {
  const specs = configuration.shown['plugins'] as readonly Readonly<Record<string, unknown>>[];
  return plugins.map(({ plugin: { name } }) => {
    const entry = entries.get(name);
    const spec = specs.find(({ use }) => use === (entry?.use ?? name))!;
    return { name, spec, path: entry?.path, settingsPath: entry?.settingsPath ?? `plugins.${name}` };
  });
}

/** Every value that holds, in the order of the file; plugins' settings last, by the plugins' names. */
export function* valuesOf(inspection: Inspection): Generator<ConfiguredValue> {
  const { origins, configuration } = inspection;
  const { plugins: _, ...rest } = configuration.shown;
  yield* told(rest, '', '', origins);
  for (const { name, spec, path, settingsPath } of shownPlugins(inspection)) {
    const { use: __, settings, ...entry } = spec;
    if (Object.keys(settings as object).length > 0) yield* told(settings, name, settingsPath, origins);
    for (const [key, value] of Object.entries(entry)) {
      const origin = originOf(`${path}.${key}`, origins);
      if (path !== undefined && origin !== undefined && origin.from !== 'default')
        yield* told(value, `plugins.${name}.${key}`, `${path}.${key}`, origins);
    }
  }
}

/** The values of what the file has at the path `where`, and is told of as `name`. */
function* told(data: unknown, name: string, where: string, origins: Inspection['origins']): Generator<ConfiguredValue> {
  for (const [path, value] of valuesIn(data, name)) {
    const origin = originOf(where + path.slice(name.length), origins);
    // A section that has nothing in it.
    if (typeof value === 'object' && value !== null && origin === undefined) continue;
    yield { path, value, origin: describeOrigin(origin ?? { from: 'default' }) };
  }
}

/** A short form has the origin of the whole: `balancer: least-request` is where its policy came from. */
function originOf(path: string, origins: ReadonlyMap<string, Origin>): Origin | undefined {
  for (let at = path; at !== ''; at = at.replace(/(?:\.?(?:"(?:[^"\\]|\\.)*"|[^.[\]"]+)|\[\d+\])$/, '')) {
    const origin = origins.get(at);
    if (origin !== undefined) return origin;
    if (!at.includes('.') && !at.includes('[')) break;
  }
  return undefined;
}
