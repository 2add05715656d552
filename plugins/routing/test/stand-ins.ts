import type { RequestHead, Route, RouteSpec, Session } from '@outrigger/core';
import type { Match } from '../src/match.ts';

/** Routes `r0`, `r1`, … with these matches, as a router factory gets them. */
export function routesFor(matches: readonly Match[]): { spec: RouteSpec; route: Route }[] {
  return matches.map((match, index) => ({
    spec: { cluster: `r${index}`, settings: { match } },
    route: { name: `r${index}`, cluster: { name: `r${index}` } as Route['cluster'], settings: { match } },
  }));
}

/** A session as far as routers look at it. */
export function sessionFor(host: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Session {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const fields = {
    get: (name: string) => lower.get(name.toLowerCase()),
    [Symbol.iterator]: () => Object.entries(headers)[Symbol.iterator](),
  };
  const request = { host, path, method, headers: fields };
  return { request: request as unknown as RequestHead } as Session;
}

/** What came out, in a word: a route's name, a reject's status, or `-`. */
export function verdict(result: Route | { readonly status: number } | undefined): string {
  if (result === undefined) return '-';
  return 'name' in result ? result.name : String(result.status);
}
