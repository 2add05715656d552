import { didYouMean, type Format, isSetting, type Schema, type Setting } from '@outrigger/core';
import { type Candidate, settle } from './element.ts';
import type { Environment } from './environment.ts';
import { describeFormat, isFormatOnly, scalarFormat, writeValue } from './formats.ts';
import { emptyMap, looseScalar, type MapNode, type Node, type Position, toPlain } from './node.ts';
import { BY_DEFAULT, type Origin, originOf } from './origin.ts';
import { FLAG } from './override.ts';
import { joinIndex, joinKey } from './path.ts';
import type { Problem } from './problem.ts';
import { unreadable } from './unreadable.ts';

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

export interface ReaderOptions {
  readonly env: Environment;
  /** What relative paths are relative to. */
  readonly directory: string;
  /** What is wrong with a file that a setting names; default: whether it can be read. */
  readonly unreadable?: ((path: string) => string | undefined) | undefined;
  /** Collects where each value came from, by its path. */
  readonly origins?: Map<string, Origin> | undefined;
}

/** Reads nodes by schemas. It goes on after a problem, so that one reading finds all of them. */
export class Reader {
  readonly problems: Problem[];
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions, problems: Problem[] = []) {
    this.#options = options;
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
    const origins = this.#options.origins && new Map<string, Origin>();
    return new Reader({ ...this.#options, origins });
  }

  /**
   * One element: a map whose keys a schema names. `node` is undefined where the file has none: then the defaults count, and
   * what is missing is reported at `position`. Keys in `readers` are read by those instead. All of a `sensitive` element is.
   */
  element(
    node: Node | undefined,
    schema: Schema,
    path: string,
    position: Position,
    readers: Readonly<Record<string, KeyReader>> = {},
    sensitive = false,
  ): ElementReading {
    const map = mapOf(node, position);
    if (map === undefined) {
      this.problem(node!.position, path, `is ${sensitive ? 'not valid' : describeNode(node!)}`, { expected: 'a map' });
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
      if (isSetting(child)) {
        const setting = sensitive ? { ...child, sensitive } : child;
        candidates.set(key, this.#candidate(setting, entry?.node, childPath, position, readers[key]));
      } else {
        const at = entry?.position ?? position;
        readings.set(key, this.element(entry?.node, child, childPath, at, {}, sensitive));
      }
    }
    for (const [key, reading] of settle(candidates, this.#options.env)) readings.set(key, reading);
    return { value: pluck(known, readings, 'value'), shown: pluck(known, readings, 'shown') };
  }

  /** A value by its format. */
  value(node: Node, format: Format | Schema, path: string, sensitive = false): Reading | undefined {
    const scalar = scalarFormat(format as Format);
    if (scalar) {
      const read = node.kind === 'scalar' ? scalar.read(node, this.#options.directory) : undefined;
      if (read && 'value' in read) {
        const fault = format === 'path' ? (this.#options.unreadable ?? unreadable)(read.value as string) : undefined;
        if (fault !== undefined)
          return this.problem(node.position, path, sensitive ? fault : `is ${describeNode(node)}: ${fault}`);
        this.came(path, node);
        return { value: read.value, shown: sensitive ? MASK : scalarShown(node, read.value) };
      }
      if (sensitive) return this.problem(node.position, path, 'is not valid', { expected: scalar.expected });
      const { message = `is ${describeNode(node)}`, expected = scalar.expected } = read ?? {};
      const suggestion =
        Array.isArray(format) && node.kind === 'scalar' ? didYouMean(node.text, format.map(String)) : undefined;
      return this.problem(node.position, path, message, { expected, suggestion });
    }
    if (format === 'any') {
      this.came(path, node);
      return { value: toPlain(node), shown: sensitive ? MASK : toPlain(node) };
    }
    if (typeof format === 'string') throw new TypeError(`${path}: the schema has an unknown format, "${format}"`);
    if (typeof format === 'function') return this.#custom(node, format as (value: unknown) => void, path, sensitive);
    if (isFormatOnly(format)) {
      if ('list' in format) return this.#list(node, format.list as Format | Schema, path, sensitive);
      if ('map' in format) return this.#map(node, format.map as Format | Schema, path, sensitive);
      return this.#oneOf(node, (format as { oneOf: readonly (Format | Schema)[] }).oneOf, path, sensitive);
    }
    const { problems } = this;
    const before = problems.length;
    const reading = this.element(node, format as Schema, path, node.position, {}, sensitive);
    return problems.length > before ? undefined : reading;
  }

  /** Notes where the values of a node came from. */
  came(path: string, node: Node): void {
    const { origins } = this.#options;
    if (origins === undefined) return;
    if (node.kind === 'scalar') origins.set(path, originOf(node.position, node.variables));
    else if ((node.kind === 'list' ? node.items.length : node.entries.size) === 0)
      origins.set(path, originOf(node.position));
    else if (node.kind === 'list')
      for (const [index, item] of node.items.entries()) this.came(joinIndex(path, index), item);
    else for (const [key, entry] of node.entries) this.came(joinKey(path, key), entry.node);
  }

  /** The reading, where it is not more than the setting's largest value. */
  #within({ max, format }: Setting, node: Node, path: string, reading: Reading | undefined): Reading | undefined {
    if (max === undefined || reading === undefined || !((reading.value as number) > max)) return reading;
    const write = scalarFormat(format)?.write ?? String;
    return this.problem(node.position, path, `is ${describeNode(node)}`, { expected: `${write(max)} at most` });
  }

  #candidate(
    setting: Setting,
    node: Node | undefined,
    path: string,
    position: Position,
    reader: KeyReader | undefined,
  ): Candidate {
    const read = (given: Node) => {
      if (reader) return reader(given, path);
      const reading = this.value(given, setting.format, path, setting.sensitive === true);
      return this.#within(setting, given, path, reading);
    };
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
      const reading = read(node);
      this.#options.origins?.set(path, BY_DEFAULT);
      return reading;
    }
    this.#options.origins?.set(path, BY_DEFAULT);
    const value = deepFreeze(structuredClone(setting.default));
    if (value === null || value === undefined)
      throw new TypeError(`${path}: a setting without a value is "optional", not null by default`);
    const written = deepFreeze(writeValue(value, setting.format));
    return { value, shown: setting.sensitive ? masked(written) : written };
  }

  #custom(node: Node, check: (value: unknown) => void, path: string, sensitive: boolean): Reading | undefined {
    const value = toPlain(node);
    try {
      check(value);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const told = sensitive ? withoutSecrets(message, node) : `is ${describeNode(node)}: ${message}`;
      return this.problem(node.position, path, told);
    }
    this.came(path, node);
    return { value, shown: sensitive ? MASK : value };
  }

  #list(node: Node, child: Format | Schema, path: string, sensitive: boolean): Reading | undefined {
    if (node.kind !== 'list')
      return this.problem(node.position, path, `is ${sensitive ? 'not valid' : describeNode(node)}`, {
        expected: describeFormat({ list: child }),
      });
    if (node.items.length === 0) this.came(path, node);
    const readings = node.items.map((item, index) => this.value(item, child, joinIndex(path, index), sensitive));
    return all(readings, (values) => Object.freeze(values));
  }

  #map(node: Node, child: Format | Schema, path: string, sensitive: boolean): Reading | undefined {
    if (node.kind !== 'map')
      return this.problem(node.position, path, `is ${sensitive ? 'not valid' : describeNode(node)}`, {
        expected: describeFormat({ map: child }),
      });
    if (node.entries.size === 0) this.came(path, node);
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
      if (reading && attempt.problems.length === 0) {
        for (const [key, origin] of attempt.#options.origins ?? []) this.#options.origins!.set(key, origin);
        return reading;
      }
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

/** Text that only looked like a number is text where it is shown, too. */
function scalarShown(node: Node, value: unknown): unknown {
  return typeof value === 'string' && node.kind === 'scalar' ? node.text : toPlain(node);
}

/** What kind of thing is there may be seen, an empty map for instance. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(masked));
  if (typeof value !== 'object' || value === null) return MASK;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item)])));
}

/** A plugin's own words about a value, unless they quote it. */
function withoutSecrets(message: string, node: Node): string {
  return scalarsIn(node).some((text) => text !== '' && message.includes(text)) ? 'is not valid' : message;
}

function scalarsIn(node: Node): string[] {
  if (node.kind === 'scalar') return [node.text];
  return (node.kind === 'list' ? node.items : [...node.entries.values()].map((entry) => entry.node)).flatMap(scalarsIn);
}

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
