import type {
  ClusterSpec,
  Configuration,
  DrainSpec,
  EndpointSpec,
  ListenerSpec,
  Plugin,
  PluginSpec,
  RouteSpec,
  Schema,
} from '@outrigger/core';
import {
  clusterSchema,
  endpointAddress,
  endpointSchema,
  listenerSchema,
  rootSchema,
  routeSchema,
} from './core-schema.ts';
import { type Document, start } from './document.ts';
import type { Entry, Node } from './node.ts';
import type { Origin } from './origin.ts';
import { joinIndex, joinKey } from './path.ts';
import { type PluginEntry, pluginEntrySchema } from './plugin-entry.ts';
import { type Problem, sortProblems } from './problem.ts';
import { describeNode, Reader, type Reading, type Settings } from './reader.ts';
import { checkReferences } from './references.ts';
import { mergeSections, type Sections } from './sections.ts';

/** A plugin that was loaded, in its place: built-in ones first, then those of the file. */
export interface LoadedPlugin {
  // A plugin's `bind` takes its own settings' type; here any will do.
  // biome-ignore lint/suspicious/noExplicitAny: `Plugin<C>` is contravariant in C
  readonly plugin: Plugin<any>;
  /** Its entry of `plugins:`; may be left out for a built-in one, whose entry is then found by its name. */
  readonly entry?: PluginEntry | undefined;
}

/** What may be configured here. */
export interface Known {
  readonly plugins: readonly LoadedPlugin[];
  /** Protocols that a listener may speak. Default `['http']`. */
  readonly protocols?: readonly string[];
  /** Policies and the schema of their settings. Where it is missing, any name and any settings will do. */
  readonly balancers?: ReadonlyMap<string, Schema | undefined>;
  /** Entries whose plugin could not be loaded, and why: reported with the rest. */
  readonly failures?: readonly { readonly entry: PluginEntry; readonly message: string }[];
  /** What is wrong with a file that a setting of the format `path` names. Default: whether it can be read. */
  readonly unreadable?: (path: string) => string | undefined;
  /** Discoveries (other than `static`) and the schema of their settings. Where it is missing, any will do. */
  readonly discoveries?: ReadonlyMap<string, Schema | undefined>;
}

/** The admin address, and what it must be asked with: one of the two, or nothing. */
export interface AdminAddress {
  readonly bind: string;
  readonly token?: string;
  /** Absolute. */
  readonly tokenFile?: string;
}

/** Core's configuration, and what the program needs beside it. */
export interface SidecarConfiguration extends Configuration {
  readonly admin: AdminAddress | false;
  readonly probes: { readonly bind: string } | false;
  /** The whole, as a file would have it: defaults included, plugins in their long form, what is sensitive masked. */
  readonly shown: Settings;
}

export type Validation =
  | { readonly configuration: SidecarConfiguration; readonly problems?: undefined; readonly plugins?: undefined }
  | {
      readonly configuration?: undefined;
      readonly problems: readonly Problem[];
      /** What the plugins would get, in their order; undefined for each whose settings are not valid. */
      readonly plugins: readonly (PluginSpec | undefined)[];
    };

/**
 * The frozen configuration, or everything that is wrong with the document, in the order of the file. `origins` collects where
 * each value came from, by its path.
 */
export function validate(document: Document, known: Known, origins?: Map<string, Origin>): Validation {
  if (document.unreadable) return { problems: sortProblems(document.problems), plugins: [] };
  const { env, directory } = document;
  for (const [path, origin] of document.origins) origins?.set(path, origin);
  const reader = new Reader({ env, directory, unreadable: known.unreadable, origins }, [...document.problems]);
  const { configuration, plugins } = new Validator(document, known, reader).validated();
  if (reader.problems.length > 0) return { problems: sortProblems(reader.problems), plugins };
  return { configuration };
}

/** The keys that belong to no plugin, by what they stand in. */
export function configurationSchemas(): Sections & { readonly root: Schema; readonly plugin: Schema } {
  return {
    root: rootSchema,
    listener: listenerSchema,
    route: routeSchema,
    cluster: clusterSchema,
    endpoint: endpointSchema,
    plugin: pluginEntrySchema,
  };
}

/** Core's schemas with the keys that plugins add; two plugins that define the same setting are `wrong`. */
export function sectionsOf(plugins: readonly LoadedPlugin[], wrong: (message: string) => void): Sections {
  const core = { listener: listenerSchema, route: routeSchema, cluster: clusterSchema, endpoint: endpointSchema };
  return mergeSections(core, plugins, wrong);
}

class Validator {
  readonly #document: Document;
  readonly #known: Known;
  readonly #reader: Reader;
  readonly #sections: Sections;

  constructor(document: Document, known: Known, reader: Reader) {
    this.#document = document;
    this.#known = known;
    this.#reader = reader;
    this.#sections = sectionsOf(known.plugins, (message) => reader.problem(start(document.file), 'plugins', message));
  }

  /** All of it; what is not valid is missing, or not what its type says. */
  validated(): { configuration: SidecarConfiguration; plugins: readonly (PluginSpec | undefined)[] } {
    const { root } = this.#document;
    const plugins: PluginSpec[] = [];
    const listeners: ListenerSpec[] = [];
    const clusters: ClusterSpec[] = [];
    const { value, shown } = this.#reader.element(root, rootSchema, '', root.position, {
      listeners: (node) => this.#named(node, 'listeners', (...listener) => this.#listener(listeners, ...listener)),
      clusters: (node) => this.#named(node, 'clusters', (...cluster) => this.#cluster(clusters, ...cluster)),
      plugins: () => nothing,
    });
    const { shownPlugins, valid } = this.#plugins(plugins);
    checkReferences(this.#document, this.#known, this.#reader);
    const {
      service,
      drain,
      admin,
      probes = false,
    } = value as {
      service: Configuration['service'];
      drain: DrainSpec;
      admin: SidecarConfiguration['admin'];
      probes?: SidecarConfiguration['probes'];
    };
    const configuration = Object.freeze({
      service,
      drain,
      admin,
      probes,
      listeners: Object.freeze(listeners),
      clusters: Object.freeze(clusters),
      plugins: Object.freeze(plugins),
      shown: Object.freeze({ ...shown, plugins: shownPlugins }),
    });
    return { configuration, plugins: plugins.map((spec, index) => (valid[index] ? spec : undefined)) };
  }

  /** A map of names to elements; its reading is what may be shown of them. */
  #named(node: Node, path: string, read: (name: string, entry: Entry, path: string) => Settings): Reading | undefined {
    if (node.kind === 'scalar' && node.value === null) return nothing;
    if (node.kind !== 'map')
      return this.#reader.problem(node.position, path, `is ${describeNode(node)}`, { expected: 'a map of names' });
    const shown = [...node.entries].map(([name, entry]) => [name, read(name, entry, joinKey(path, name))]);
    return { value: undefined, shown: Object.freeze(Object.fromEntries(shown)) };
  }

  #listener(listeners: ListenerSpec[], name: string, { node, position }: Entry, path: string): Settings {
    const routes: RouteSpec[] = [];
    const { value, shown } = this.#reader.element(node, this.#sections.listener, path, position, {
      routes: (list, listPath) => this.#routes(routes, list, listPath),
    });
    const { protocol, bind, direction, cluster, routes: _, ...settings } = value;
    if (typeof cluster === 'string') {
      // Sections of routes have their defaults here too.
      const { cluster: __, onChange: ___, ...section } = this.#sections.route;
      // Apart, since its keys are not the listener's.
      const apart = this.#reader.probe();
      const settings = apart.element(undefined, section as Schema, path, position).value;
      this.#reader.problems.push(...apart.problems);
      routes.push(Object.freeze({ cluster, onChange: 'keep', settings }));
    }
    listeners.push(
      Object.freeze({
        name,
        protocol: protocol as string,
        bind: bind as string,
        direction: direction as ListenerSpec['direction'],
        routes: Object.freeze(routes),
        settings: Object.freeze(settings),
      }),
    );
    return shown;
  }

  #routes(routes: RouteSpec[], node: Node, path: string): Reading | undefined {
    if (node.kind !== 'list')
      return this.#reader.problem(node.position, path, `is ${describeNode(node)}`, { expected: 'a list of routes' });
    const shown = node.items.map((item, index) => {
      const reading = this.#reader.element(item, this.#sections.route, joinIndex(path, index), item.position);
      const { cluster, onChange, ...settings } = reading.value as { cluster: string; onChange: 'keep' | 'drain' };
      routes.push(Object.freeze({ cluster, onChange, settings: Object.freeze(settings) }));
      return reading.shown;
    });
    return { value: routes, shown: Object.freeze(shown) };
  }

  #cluster(clusters: ClusterSpec[], name: string, { node, position }: Entry, path: string): Settings {
    const { value, shown } = this.#reader.element(node, this.#sections.cluster, path, position, {
      endpoints: (list, listPath) => this.#endpoints(list, listPath),
      discovery: (map, mapPath) => this.#discovery(map, mapPath),
      balancer: (policy, policyPath) => this.#balancer(policy, policyPath),
    });
    const { endpoints, discovery, balancer, ...settings } = value;
    clusters.push(
      Object.freeze({
        name,
        balancer: balancer as ClusterSpec['balancer'],
        discovery: (discovery ?? Object.freeze({ name: 'static', spec: endpoints })) as ClusterSpec['discovery'],
        settings: Object.freeze(settings),
      }),
    );
    return shown;
  }

  #endpoints(node: Node, path: string): Reading | undefined {
    if (node.kind !== 'list')
      return this.#reader.problem(node.position, path, `is ${describeNode(node)}`, { expected: 'a list of addresses' });
    if (node.items.length === 0) this.#reader.came(path, node);
    const readings = node.items
      .map((item, index) => this.#endpoint(item, joinIndex(path, index)))
      .filter((one) => one !== undefined);
    return {
      value: Object.freeze(readings.map((reading) => reading.value)),
      shown: Object.freeze(readings.map((reading) => reading.shown)),
    };
  }

  /** A plain address, or a map; what plugins' sections say of it joins its metadata. */
  #endpoint(node: Node, path: string): Reading | undefined {
    const { position } = node;
    let map: Node = node;
    if (node.kind === 'scalar') {
      if (!this.#reader.value(node, endpointAddress, path)) return undefined;
      map = { kind: 'map', position, entries: new Map([['address', { position, node }]]) };
    }
    const { value, shown } = this.#reader.element(map, this.#sections.endpoint, path, position);
    const { address, weight, metadata, ...sections } = value;
    const endpoint = {
      address: address as string,
      weight: weight as number,
      metadata: Object.freeze({ ...(metadata as Settings | undefined), ...sections }),
    } satisfies EndpointSpec;
    return { value: Object.freeze(endpoint), shown };
  }

  #discovery(node: Node, path: string): Reading | undefined {
    const [only, ...others] = node.kind === 'map' ? node.entries : [];
    if (!only || others.length > 0) {
      const names = [...(this.#known.discoveries?.keys() ?? [])];
      const expected = `a map of one name${names.length > 0 ? ` (${names.join(', ')})` : ''} to its settings`;
      return this.#reader.problem(node.position, path, `is ${describeNode(node)}`, { expected });
    }
    const [name, entry] = only;
    const schema = this.#known.discoveries?.get(name);
    const namePath = joinKey(path, name);
    const spec = schema
      ? this.#reader.element(entry.node, schema, namePath, entry.position)
      : this.#reader.value(entry.node, 'any', namePath);
    return spec && { value: Object.freeze({ name, spec: spec.value }), shown: Object.freeze({ [name]: spec.shown }) };
  }

  #balancer(node: Node, path: string): Reading | undefined {
    const named = node.kind === 'map' ? node.entries.get('policy')?.node : node;
    const policyPath = node.kind === 'map' ? joinKey(path, 'policy') : path;
    if (named === undefined)
      return this.#reader.problem(node.position, policyPath, 'is missing', { expected: 'the name of a policy' });
    const policy = this.#reader.value(named, String, policyPath);
    if (policy === undefined) return undefined;
    const name = policy.value as string;
    const entries = node.kind === 'map' ? new Map([...node.entries].filter(([key]) => key !== 'policy')) : new Map();
    const rest: Node = { kind: 'map', position: node.position, entries };
    const { balancers } = this.#known;
    const settings =
      balancers?.has(name) === false || balancers === undefined
        ? this.#reader.value(rest, 'any', path)!
        : this.#reader.element(rest, balancers.get(name) ?? {}, path, node.position);
    return {
      value: Object.freeze({ policy: name, settings: settings.value }),
      shown: Object.freeze({ policy: name, ...(settings.shown as Settings) }),
    };
  }

  #plugins(specs: PluginSpec[]): { shownPlugins: readonly Settings[]; valid: readonly boolean[] } {
    const valid: boolean[] = [];
    const shown = this.#known.plugins.map(({ plugin, entry: given }) => {
      const entry = given ?? this.#document.plugins.find(({ use }) => use === plugin.name);
      const position = entry?.position ?? start(this.#document.file);
      const path = entry?.settingsPath ?? joinKey('plugins', plugin.name);
      const before = this.#reader.problems.length;
      const settings = this.#reader.element(entry?.settings, plugin.config ?? {}, path, position);
      valid.push(this.#reader.problems.length === before);
      const spec: PluginSpec = {
        use: entry?.use ?? plugin.name,
        settings: settings.value,
        onError: entry?.onError ?? 'closed',
        timeout: entry?.timeout ?? 10_000,
        listeners: entry?.listeners,
      };
      specs.push(Object.freeze(spec));
      const { onError, timeout, listeners } = entry?.shown ?? { onError: 'closed', timeout: '10s' };
      return Object.freeze({
        use: spec.use,
        settings: settings.shown,
        onError,
        timeout,
        ...(listeners !== undefined && { listeners }),
      });
    });
    return { shownPlugins: Object.freeze(shown), valid };
  }
}

/** What is read elsewhere, and is neither a value nor wrong. */
const nothing: Reading = { value: undefined, shown: undefined };
