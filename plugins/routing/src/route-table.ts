import {
  atOnce,
  type Reject,
  type Route,
  type Router,
  type RouterFactory,
  reject,
  type Session,
  type Sliced,
} from '@outrigger/core';
import { candidate } from './candidate.ts';
import { HostTable } from './host-table.ts';
import type { Match } from './match.ts';
import { canonicalPath, isPlain, normalisations } from './path.ts';

const AMBIGUOUS: Reject = reject(400, 'ambiguous path');

/**
 * The routes of one listener, compiled. The most specific wins: by host (exact, then the longest wildcard, then none), then
 * by path (exact, then the longest prefix, then none), then by the number of conditions, then by the order of the file.
 */
export class RouteTable implements Router {
  readonly #hosts = new HostTable();

  static create(routes: Parameters<RouterFactory['create']>[0]): RouteTable {
    return atOnce(RouteTable.creating(routes));
  }

  /** The same with places at which it may be interrupted. */
  static *creating(routes: Parameters<RouterFactory['create']>[0]): Sliced<RouteTable> {
    const table = new RouteTable();
    for (const { spec, route } of routes) {
      const match = (spec.settings['match'] ?? {}) as Match;
      table.#hosts.add(match.host, match.path, candidate(route, match));
      yield;
    }
    yield* table.#hosts.finish();
    return table;
  }

  private constructor() {}

  /** The ordinary path, one that nobody would normalise, costs one pass over host and path and no allocation. */
  route(session: Session): Route | Reject | undefined {
    const request = session.request;
    const path = request.path;
    if (isPlain(path)) return this.#hosts.find(path, request);
    const canonical = canonicalPath(path);
    const route = this.#hosts.find(canonical, request);
    for (const normalised of normalisations(canonical))
      if (this.#hosts.find(normalised, request) !== route) return AMBIGUOUS;
    return route;
  }
}
