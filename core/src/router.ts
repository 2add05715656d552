import type { Cluster } from './cluster.ts';
import type { RouteSpec } from './configuration.ts';
import type { Reject } from './hooks.ts';
import type { Session } from './session.ts';
import type { Sliced } from './slices.ts';

/** Match → cluster, as built for one generation. */
export interface Route {
  /** For people: `listener[index]`, or `listener` for its plain `cluster:`. */
  readonly name: string;
  readonly cluster: Cluster;
  /** The sections that plugins declared for routes, validated, by key. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Decides where a session goes. Not asked where a hook has set `session.cluster`. */
export interface Router {
  /** The route; undefined for none (404); a reject where the request must be refused. On every session's way: no allocation. */
  route(session: Session): Route | Reject | undefined;
}

/** Compiles routes. One plugin provides it. */
export interface RouterFactory {
  /** `routes` in the order of the file, each with the specification that it was built from. */
  create(routes: readonly { readonly spec: RouteSpec; readonly route: Route }[]): Router;
  /** The same with places at which it may be interrupted, so that a reload of many routes holds up no session. */
  creating?(routes: readonly { readonly spec: RouteSpec; readonly route: Route }[]): Sliced<Router>;
}

/** The path that a route asks for, in the form that `http.route` has elsewhere: `/x` for that path, `/x/*` for all below. */
export function routePattern(route: Route): string | undefined {
  const match = route.settings['match'];
  const path = typeof match === 'object' && match !== null && 'path' in match ? match.path : undefined;
  if (typeof path !== 'string') return undefined;
  return path.startsWith('=') ? path.slice(1) : path.replace(/\/*$/, '/*');
}
