import type { RouteSpec } from '@outrigger/core';

/** What the routing plugin reads of a route's `match:`. */
export interface ShownMatch {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function matchOf(route: RouteSpec): ShownMatch {
  return (route.settings['match'] ?? {}) as ShownMatch;
}

/**
 * Routes in the order in which they match: of those that fit a request the first one here is taken. Exact hosts, then the
 * longest wildcards, then any host; exact paths, then the longest prefixes, then any path; then more conditions; then the
 * order of the file. Routes of one host, and of one path within it, stay together.
 */
export function inOrderOfMatching(routes: readonly RouteSpec[]): RouteSpec[] {
  const keyed = routes.map((route, index) => ({ route, index, ...keysOf(matchOf(route)) }));
  const first = (same: (other: (typeof keyed)[number]) => boolean) => keyed.findIndex(same);
  const rank = (one: (typeof keyed)[number]): number[] => [
    one.host === '' ? 2 : one.host.startsWith('*') ? 1 : 0,
    -one.host.length * Number(one.host.startsWith('*')),
    first(({ host }) => host === one.host),
    one.path === '' ? 2 : one.path.startsWith('=') ? 0 : 1,
    one.path.startsWith('=') ? 0 : -one.path.split('/').filter((segment) => segment !== '').length,
    first(({ host, path }) => host === one.host && path === one.path),
    -one.conditions,
    one.index,
  ];
  return keyed
    .map((one) => ({ route: one.route, rank: rank(one) }))
    .sort((a, b) => compare(a.rank, b.rank))
    .map(({ route }) => route);
}

function keysOf({ host = '*', path = '', method, headers = {} }: ShownMatch) {
  const name = host.replace(/^([^:]*):\d+$/, '$1').toLowerCase();
  return {
    host: name === '*' ? '' : name,
    // `/x/` is `/x`; `/` stays, for it is more than no path.
    path: path.startsWith('=') ? path : path.replace(/(?<=.)\/+$/, ''),
    conditions: Object.keys(headers).length + (method === undefined ? 0 : 1),
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((value, index) => value !== b[index]);
  return different < 0 ? 0 : a[different]! - b[different]!;
}
