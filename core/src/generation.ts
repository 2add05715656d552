import { isDeepStrictEqual } from 'node:util';
import type { ClusterPlan } from './cluster-registry.ts';
import type { ComposedPlugin } from './composition.ts';
import type { Configuration, ListenerSpec, RouteSpec } from './configuration.ts';
import type { Route, Router } from './router.ts';
import type { RunningComposition } from './running-composition.ts';
import type { Session } from './session.ts';
import type { Sliced } from './slices.ts';
import type { RouterFactory } from './tokens.ts';
import type { Scope } from './transport.ts';

/** What was built from one listener's routes. */
interface Routing {
  readonly specs: readonly RouteSpec[];
  readonly routes: readonly Route[];
  readonly factory: RouterFactory;
  readonly router: Router;
}

/** One validated configuration and all that was built from it. Immutable. */
export interface Generation {
  readonly number: number;
  readonly configuration: Configuration;
  readonly running: RunningComposition;
  /** By name of the listener. */
  readonly scopes: ReadonlyMap<string, Omit<Scope, 'listener'>>;
  readonly routings: ReadonlyMap<string, Routing>;
}

/** What a route was built from: sessions keep theirs over many generations. */
const origins = new WeakMap<Route, { readonly listener: string; readonly spec: RouteSpec }>();

/** Builds a generation; routes that are the same as in `before` are not built again. */
export function* buildGeneration(
  number: number,
  configuration: Configuration,
  running: RunningComposition,
  plan: ClusterPlan,
  before: Generation | undefined,
): Sliced<Generation> {
  const { composition } = running;
  const routings = new Map<string, Routing>();
  const scopes = new Map<string, Omit<Scope, 'listener'>>();
  for (const listener of configuration.listeners) {
    const old = before?.routings.get(listener.name);
    const routing = yield* routingOf(listener, composition.routerFactory!, plan, old);
    routings.set(listener.name, routing);
    scopes.set(listener.name, {
      hooks: composition.hooksFor(listener, configuration),
      router: routing.router,
      generation: number,
    });
  }
  return { number, configuration, running, scopes, routings };
}

function* routingOf(
  { name, routes: specs }: ListenerSpec,
  factory: RouterFactory,
  plan: ClusterPlan,
  old: Routing | undefined,
): Sliced<Routing> {
  if (
    old?.factory === factory &&
    old.routes.every(({ cluster }) => plan.get(cluster.name) === cluster) &&
    (yield* sameLists(old.specs, specs))
  )
    return old;
  const built: { readonly spec: RouteSpec; readonly route: Route }[] = [];
  for (const spec of specs) {
    const route = { name: `${name}[${built.length}]`, cluster: plan.get(spec.cluster)!, settings: spec.settings };
    origins.set(route, { listener: name, spec });
    built.push({ spec, route });
    yield;
  }
  const router = factory.creating === undefined ? factory.create(built) : yield* factory.creating(built);
  return { specs, routes: built.map(({ route }) => route), factory, router };
}

/** Whether a configuration says the same, in whatever order its listeners and clusters stand. */
export function* sameConfiguration(a: Configuration, b: Configuration): Sliced<boolean> {
  if (!isDeepStrictEqual([a.service, a.drain], [b.service, b.drain])) return false;
  const [before, after] = [byName(a.listeners), byName(b.listeners)];
  if (before.length !== after.length) return false;
  for (const [i, { routes, ...listener }] of before.entries()) {
    const { routes: others, ...other } = after[i]!;
    if (!isDeepStrictEqual(listener, other) || !(yield* sameLists(routes, others))) return false;
  }
  return yield* sameLists(byName(a.clusters), byName(b.clusters));
}

function* sameLists(a: readonly unknown[], b: readonly unknown[]): Sliced<boolean> {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (!isDeepStrictEqual(a[i], b[i])) return false;
    yield;
  }
  return true;
}

/** Whether plugins and what their entries say are the same, in the same order. */
export function samePlugins(a: readonly ComposedPlugin[], b: readonly ComposedPlugin[]): boolean {
  const told = ({ settings, onError, timeout, listeners }: ComposedPlugin) => [settings, onError, timeout, listeners];
  return (
    a.length === b.length &&
    a.every((one, i) => one.plugin === b[i]!.plugin && isDeepStrictEqual(told(one), told(b[i]!)))
  );
}

/**
 * Tells the sessions whose route is to be drained when it changes (`onChange: drain`) and has: the generation has none on a
 * listener of that name that says the same, at whatever place.
 */
export function routeHasChanged({ routings }: Generation): (session: Session) => boolean {
  const known = new Map<Route, boolean>();
  return ({ route }) => {
    const origin = route === undefined ? undefined : origins.get(route);
    if (route === undefined || origin?.spec.onChange !== 'drain') return false;
    let changed = known.get(route);
    if (changed === undefined) {
      const now = routings.get(origin.listener)?.specs ?? [];
      changed = !now.some((spec) => isDeepStrictEqual(spec, origin.spec));
      known.set(route, changed);
    }
    return changed;
  };
}

function byName<T extends { readonly name: string }>(elements: readonly T[]): T[] {
  return elements.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
