import { isDeepStrictEqual } from 'node:util';
import { atOnce, type Sliced } from '@outrigger/core';
import { joinIndex, joinKey } from './path.ts';
import { MASK, type Settings } from './reader.ts';
import type { SidecarConfiguration } from './validate.ts';

/** One place in which two configurations differ. */
export interface Difference {
  /** `clusters.app.endpoints[1].weight`; plugins go by their names: `plugins.tracing.settings.sampling`. */
  readonly path: string;
  /** As files write it, what is sensitive masked; undefined where there is nothing. */
  readonly old: unknown;
  readonly new: unknown;
}

/**
 * What changed from one configuration to another; empty where they mean the same. The order of
 * names in maps, comments, defaults that are spelled out, other units and other forms do not count; the order of routes, of
 * endpoints and of listed plugins does.
 */
export function difference(from: SidecarConfiguration, to: SidecarConfiguration): Difference[] {
  return atOnce(differing(from, to));
}

/** The same with places at which it may be interrupted. */
export function* differing(from: SidecarConfiguration, to: SidecarConfiguration): Sliced<Difference[]> {
  const found: Difference[] = [];
  yield* compare(yield* canonical(from), yield* canonical(to), '', found);
  yield* comparePlugins(from, to, found);
  return found;
}

/** Each plugin with the one of its name; where some that stay have changed places, that is one difference. */
function* comparePlugins(from: SidecarConfiguration, to: SidecarConfiguration, found: Difference[]): Sliced<void> {
  const [before, after] = [pluginsOf(from), pluginsOf(to)];
  const old = [...before.keys()].filter((use) => after.has(use));
  const now = [...after.keys()].filter((use) => before.has(use));
  if (!isDeepStrictEqual(old, now)) found.push({ path: 'plugins', old, new: now });
  for (const use of new Set([...before.keys(), ...after.keys()]))
    yield* compare(before.get(use), after.get(use), joinKey('plugins', use), found);
}

function pluginsOf({ plugins, shown }: SidecarConfiguration): Map<string, Pair> {
  const beside = shown['plugins'] as readonly unknown[];
  return new Map(plugins.map((value, index) => [value.use, { value, shown: beside[index] }]));
}

/** A value beside what may be shown of it. */
interface Pair {
  readonly value: unknown;
  readonly shown: unknown;
}

function* compare(a: Pair | undefined, b: Pair | undefined, path: string, found: Difference[]): Sliced<void> {
  if (a !== undefined && b !== undefined) {
    if (isMap(a.value) && isMap(b.value)) return yield* compareMaps(a, b, path, found);
    if (Array.isArray(a.value) && Array.isArray(b.value)) return yield* compareLists(a, b, path, found);
    if (isDeepStrictEqual(a.value, b.value)) return;
  }
  const old = a?.value === undefined ? undefined : a.shown;
  const now = b?.value === undefined ? undefined : b.shown;
  if (old !== undefined || now !== undefined) found.push({ path, old, new: now });
}

function* compareMaps(a: Pair, b: Pair, path: string, found: Difference[]): Sliced<void> {
  yield;
  const keys = new Set([...Object.keys(a.value as object), ...Object.keys(b.value as object)]);
  for (const key of keys) yield* compare(child(a, key), child(b, key), joinKey(path, key), found);
}

/** What both lists begin and end with stays; what is between is compared one by one. */
function* compareLists(a: Pair, b: Pair, path: string, found: Difference[]): Sliced<void> {
  const [old, now] = [a.value as readonly unknown[], b.value as readonly unknown[]];
  const most = Math.min(old.length, now.length);
  let head = 0;
  for (; head < most && isDeepStrictEqual(old[head], now[head]); head++) yield;
  let tail = 0;
  for (; tail < most - head && isDeepStrictEqual(old.at(-1 - tail), now.at(-1 - tail)); tail++) yield;
  const end = Math.max(old.length, now.length) - tail;
  for (let i = head; i < end; i++) {
    const before = i < old.length - tail ? child(a, i) : undefined;
    const after = i < now.length - tail ? child(b, i) : undefined;
    yield* compare(before, after, joinIndex(path, i), found);
  }
}

function child({ value, shown }: Pair, key: string | number): Pair | undefined {
  const map = value as Readonly<Record<string | number, unknown>>;
  if (!Object.hasOwn(map, key)) return undefined;
  // A whole that is masked has masked parts.
  if (shown === MASK) return { value: map[key], shown: MASK };
  const beside = (shown as Readonly<Record<string | number, unknown>> | undefined) ?? {};
  return { value: map[key], shown: Object.hasOwn(beside, key) ? beside[key] : undefined };
}

function isMap(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Both sides in the form of a file, each thing in one form only. */
function* canonical(configuration: SidecarConfiguration): Sliced<Pair> {
  const { service, admin, probes, drain, shown } = configuration;
  const listeners = yield* byName(configuration.listeners, (listener) => {
    const { name: _, routes, settings, ...rest } = listener;
    return { ...settings, ...rest, routes: routes.map(({ settings: own, ...route }) => ({ ...own, ...route })) };
  });
  const shownClusters = (shown['clusters'] ?? {}) as Readonly<Record<string, Settings>>;
  const clusters = yield* byName(configuration.clusters, (cluster) => {
    const { balancer, discovery, settings } = cluster;
    const endpoints = (shownClusters[cluster.name]?.['endpoints'] ?? []) as readonly Settings[];
    return {
      ...settings,
      balancer: { ...balancer.settings, policy: balancer.policy },
      ...(discovery.name === 'static'
        ? { endpoints: (discovery.spec as readonly EndpointValue[]).map((one, i) => endpointValue(one, endpoints[i])) }
        : { discovery: { [discovery.name]: discovery.spec } }),
    };
  });
  const shownListeners = Object.entries((shown['listeners'] ?? {}) as Readonly<Record<string, Settings>>);
  return {
    value: { service, admin, probes, drain, listeners, clusters },
    shown: {
      ...shown,
      probes: shown['probes'] ?? false,
      listeners: Object.fromEntries(shownListeners.map(([name, listener]) => [name, shownListener(listener)])),
    },
  };
}

/** `cluster:` is one route. */
function shownListener({ cluster, ...rest }: Settings): Settings {
  return cluster === undefined ? rest : { ...rest, routes: [{ cluster }] };
}

interface EndpointValue {
  readonly address: string;
  readonly weight: number;
  readonly metadata: Settings;
}

/** What plugins' sections say of an endpoint is part of its metadata; in the file it stands beside. */
function endpointValue({ address, weight, metadata }: EndpointValue, shown: Settings = {}): object {
  const beside = Object.entries(metadata).filter(([key]) => Object.hasOwn(shown, key));
  const within = Object.entries(metadata).filter(([key]) => !Object.hasOwn(shown, key));
  return { ...Object.fromEntries(beside), address, weight, metadata: Object.fromEntries(within) };
}

function* byName<T extends { readonly name: string }>(items: readonly T[], of: (item: T) => object): Sliced<object> {
  const named: [string, object][] = [];
  for (const item of items) {
    named.push([item.name, of(item)]);
    yield;
  }
  return Object.fromEntries(named);
}
