import { didYouMean, type Format, isSetting, type Schema, type Setting } from '@outrigger/core';
import { type Candidate, settle } from './element.ts';
import type { Environment } from './environment.ts';
import { describeFormat, isFormatOnly, scalarFormat } from './formats.ts';
import { emptyMap, looseScalar, type MapNode, type Node, type Position, toPlain } from './node.ts';
import { FLAG } from './override.ts';
import { joinIndex, joinKey } from './path.ts';
import type { Problem } from './problem.ts';

/** What a node came to: the value that a plugin gets, frozen, and what may be shown of it. */
export interface Reading {
  readonly value: unknown;
  /** As it is written in files, defaults included and what is sensitive masked. */
  readonly shown: unknown;
}

export type Settings = Readonly<Record<string, unknown>>;

/** An element's settings, read. */
export interface ElementReading {
  readonly value: Settings;
  readonly shown: Settings;
}

/** Reads one key by other means than its schema; adds what is wrong to the problems and returns undefined then. */
export type KeyReader = (node: Node, path: string) => Reading | undefined;

export const MASK = '[sensitive]';

/** Reads nodes by schemas. It goes on after a problem, so that one reading finds all of them. */
export class Reader {
  readonly problems: Problem[];
  readonly #env: Environment;
  readonly #directory: string;

  /** `directory` is what relative paths are relative to. */
  constructor(env: Environment, directory: string, problems: Problem[] = []) {
    this.#env = env;
    this.#directory = directory;
    this.problems = problems;
  }

  problem(
    position: Position,
    path: string,
    message: string,
    remedy: { expected?: string; suggestion?: string | undefined } = {},
  ): undefined {
    const { file, line, column } = position;
    this.problems.push({ file, line, column, path, message, ...remedy });
  }

  /** A reader whose problems are its own, to find out whether something fits. */
  probe(): Reader {
    return new Reader(this.#env, this.#directory);
  }

  /**
   * One element: a map whose keys a schema names. `node` is undefined where the file has none: then the defaults count, and
   * what is missing is reported at `position`. Keys in `readers` are read by those instead.
   */
  element(
    node: Node | undefined,
    schema: Schema,
    path: string,
    position: Position,
    readers: Readonly<Record<string, KeyReader>> = {},
  ): ElementReading {
    const map = mapOf(node, position);
    if (map === undefined) {
      this.problem(node!.position, path, `is ${describeNode(node!)}`, { expected: 'a map' });
      return { value: nothing, shown: nothing };
    }
    const known = Object.keys(schema);
    for (const [key, entry] of map.entries)
      if (!Object.hasOwn(schema, key)) {
        const suggestion = didYouMean(key, known);
        const expected = known.length === 0 ? 'no settings' : `one of ${known.join(', ')}`;
        this.problem(
          entry.position,
          joinKey(path, key),
          'is not known here',
          suggestion === undefined ? { expected } : { suggestion },
        );
      }

    const readings = new Map<string, Reading | undefined>();
    const candidates = new Map<string, Candidate>();
    for (const [key, child] of Object.entries<Setting | Schema>(schema)) {
      const entry = map.entries.get(key);
      const childPath = joinKey(path, key);
      if (isSetting(child)) candidates.set(key, this.#candidate(child, entry?.node, childPath, position, readers[key]));
      else readings.set(key, this.element(entry?.node, child, childPath, entry?.position ?? position));
    }
    for (const [key, reading] of settle(candidates, this.#env)) readings.set(key, reading);
    return { value: pluck(known, readings, 'value'), shown: pluck(known, readings, 'shown') };
  }

  /** A value by its format. */
  value(node: Node, format: Format | Schema, path: string, sensitive = false): Reading | undefined {
    const scalar = scalarFormat(format as Format);
    if (scalar) {
      const read = node.kind === 'scalar' ? scalar.read(node, this.#directory) : undefined;
      if (read && 'value' in read) return { value: read.value, shown: sensitive ? MASK : toPlain(node) };
      if (sensitive) return this.problem(node.position, path, 'is not valid', { expected: scalar.expected });
      const { message = `is ${describeNode(node)}`, expected = scalar.expected } = read ?? {};
      const suggestion =
        Array.isArray(format) && node.kind === 'scalar' ? didYouMean(node.text, format.map(String)) : undefined;
      return this.problem(node.position, path, message, { expected, suggestion });
    }
    if (format === 'any') return { value: toPlain(node), shown: sensitive ? MASK : toPlain(node) };
    if (typeof format === 'string') throw new TypeError(`${path}: the schema has an unknown format, "${format}"`);
    if (typeof format === 'function') return this.#custom(node, format as (value: unknown) => void, path, sensitive);
    if (isFormatOnly(format)) {
      if ('list' in format) return this.#list(node, format.list as Format | Schema, path, sensitive);
      if ('map' in format) return this.#map(node, format.map as Format | Schema, path, sensitive);
      return this.#oneOf(node, (format as { oneOf: readonly (Format | Schema)[] }).oneOf, path, sensitive);
    }
    return this.element(node, format as Schema, path, node.position);
  }

  #candidate(
    setting: Setting,
    node: Node | undefined,
    path: string,
    position: Position,
    reader: KeyReader | undefined,
  ): Candidate {
    const read = (given: Node) =>
      reader ? reader(given, path) : this.value(given, setting.format, path, setting.sensitive === true);
    return {
      setting,
      // A flag is stronger than the environment, which is stronger than the file.
      overridable: node?.position.file !== FLAG,
      given: node && (() => read(node)),
      byDefault: setting.default === undefined ? undefined : () => this.#default(setting, path, position, read),
      fromEnvironment: (text) => read(looseScalar(text, { file: `$${setting.env}`, line: 1, column: 1 })),
      missing: () => {
        const expected = `${describeFormat(setting.format)} (${setting.doc.replace(/\.$/, '')})`;
        if (!setting.optional) this.problem(position, path, 'is missing', { expected });
      },
    };
  }

  /** A default may be written as in a file (`30s`), or be what the plugin gets. */
  #default(
    setting: Setting,
    path: string,
    position: Position,
    read: (node: Node) => Reading | undefined,
  ): Reading | undefined {
    if (typeof setting.default === 'string') {
      const node = { kind: 'scalar', position, value: setting.default, text: setting.default, loose: true } as const;
      return read(node);
    }
    const value = deepFreeze(structuredClone(setting.default));
    if (value === null || value === undefined)
      throw new TypeError(`${path}: a setting without a value is "optional", not null by default`);
    return { value, shown: setting.sensitive ? MASK : value };
  }

  #custom(node: Node, check: (value: unknown) => void, path: string, sensitive: boolean): Reading | undefined {
    const value = toPlain(node);
    try {
      check(value);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return this.problem(node.position, path, sensitive ? message : `is ${describeNode(node)}: ${message}`);
    }
    return { value, shown: sensitive ? MASK : value };
  }

  #list(node: Node, child: Format | Schema, path: string, sensitive: boolean): Reading | undefined {
    if (node.kind !== 'list')
      return this.problem(node.position, path, `is ${sensitive ? 'not valid' : describeNode(node)}`, {
        expected: describeFormat({ list: child }),
      });
    const readings = node.items.map((item, index) => this.value(item, child, joinIndex(path, index), sensitive));
    return all(readings, (values) => Object.freeze(values));
  }

  #map(node: Node, child: Format | Schema, path: string, sensitive: boolean): Reading | undefined {
    if (node.kind !== 'map')
      return this.problem(node.position, path, `is ${sensitive ? 'not valid' : describeNode(node)}`, {
        expected: describeFormat({ map: child }),
      });
    const keys = [...node.entries.keys()];
    const readings = [...node.entries].map(([key, entry]) =>
      this.value(entry.node, child, joinKey(path, key), sensitive),
    );
    return all(readings, (values) =>
      Object.freeze(Object.fromEntries(values.map((value, index) => [keys[index], value]))),
    );
  }

  /** The first that fits. Where none does: what is wrong with the alternative that was meant, if its kind tells which. */
  #oneOf(
    node: Node,
    alternatives: readonly (Format | Schema)[],
    path: string,
    sensitive: boolean,
  ): Reading | undefined {
    const attempts: { alternative: Format | Schema; problems: Problem[] }[] = [];
    for (const alternative of alternatives) {
      const attempt = this.probe();
      const reading = attempt.value(node, alternative, path, sensitive);
      if (reading && attempt.problems.length === 0) return reading;
      attempts.push({ alternative, problems: attempt.problems });
    }
    const likely = attempts.filter(({ alternative }) => kindOf(alternative) === node.kind);
    likely.sort((a, b) => a.problems.length - b.problems.length);
    if (likely[0] && (node.kind !== 'scalar' || alternatives.length === 1)) {
      this.problems.push(...likely[0].problems);
      return undefined;
    }
    const expected = describeFormat({ oneOf: alternatives });
    return this.problem(node.position, path, `is ${sensitive ? 'not valid' : describeNode(node)}`, { expected });
  }
}

/** `tls:` with nothing behind it is an empty map, as is what is not there. */
function mapOf(node: Node | undefined, position: Position): MapNode | undefined {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return emptyMap(position);
  return node.kind === 'map' ? node : undefined;
}

const nothing: Settings = Object.freeze({});

/** `"x"`, `5`, `a list`: what stands there, for people. */
export function describeNode(node: Node): string {
  if (node.kind !== 'scalar') return `a ${node.kind}`;
  if (node.value === null) return 'empty';
  return typeof node.value === 'string' ? JSON.stringify(shorten(node.value)) : node.text;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function kindOf(format: Format | Schema): Node['kind'] | undefined {
  if (scalarFormat(format as Format)) return 'scalar';
  if (typeof format !== 'object') return undefined;
  return isFormatOnly(format) && 'list' in format ? 'list' : 'map';
}

function all(readings: readonly (Reading | undefined)[], join: (values: unknown[]) => unknown): Reading | undefined {
  const whole = readings.filter((reading) => reading !== undefined);
  if (whole.length < readings.length) return undefined;
  return { value: join(whole.map((reading) => reading.value)), shown: join(whole.map((reading) => reading.shown)) };
}

/** One side of the readings in the order of the schema; what has no value is left out. */
function pluck(
  keys: readonly string[],
  readings: ReadonlyMap<string, Reading | undefined>,
  side: keyof Reading,
): Settings {
  const pairs = keys.map((key) => [key, readings.get(key)?.[side]] as const);
  return Object.freeze(Object.fromEntries(pairs.filter(([, value]) => value !== undefined)));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
