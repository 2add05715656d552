import type { Route, RouteSpec } from '@outrigger/core';
import type { Match } from '../src/match.ts';

interface Asked {
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The rules of the design, word by word and as slow as can be: sort by specificity, take the first that matches. */
export function referenceRoute(
  routes: readonly { readonly spec: RouteSpec; readonly route: Route }[],
  asked: Asked,
): Route | 400 | undefined {
  const matching = (path: string): Route | undefined =>
    routes
      .map(({ spec, route }, order) => ({ route, order, match: spec.settings['match'] as Match }))
      .filter(({ match }) => hostFits(match.host, asked.host) && pathFits(match.path, path) && headersFit(match, asked))
      .sort((a, b) => compare(rank(a.match), rank(b.match)) || a.order - b.order)[0]?.route;
  const found = matching(asked.path);
  return everyReading(asked.path).some((path) => matching(path) !== found) ? 400 : found;
}

function rank({ host, path, headers = {} }: Match): number[] {
  return [
    host === undefined ? 2 : host.startsWith('*') ? 1 : 0,
    -(host?.length ?? 0),
    path === undefined ? 2 : path.startsWith('=') ? 0 : 1,
    -(path?.length ?? 0),
    -Object.keys(headers).length,
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((value, index) => value !== b[index]);
  return different < 0 ? 0 : a[different]! - b[different]!;
}

function hostFits(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined) return true;
  return pattern.startsWith('*') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : host === pattern;
}

function pathFits(pattern: string | undefined, path: string): boolean {
  if (pattern === undefined) return true;
  if (pattern.startsWith('=')) return path === pattern.slice(1);
  return path.startsWith('/') && (pattern === '/' || path === pattern || path.startsWith(`${pattern}/`));
}

function headersFit({ headers = {} }: Match, asked: Asked): boolean {
  return Object.entries(headers).every(([name, value]) => asked.headers[name] === value);
}

/** Each step of normalising, done or not. */
function everyReading(path: string): string[] {
  let readings = [path];
  for (const step of [
    (p: string) => p.replace(/%2f/gi, '/'),
    (p: string) => p.replace(/%5c/gi, '\\'),
    (p: string) => p.replace(/\\/g, '/'),
    (p: string) => p.replace(/\/+/g, '/'),
  ])
    readings = [...readings, ...readings.map(step)];
  return readings.map((reading) => resolve(reading.replace(/%2e/gi, '.')));
}

/** RFC 3986 §5.2.4, one step of it after another. */
function resolve(path: string): string {
  let input = path;
  let output = '';
  while (input !== '') {
    if (input.startsWith('/./') || input === '/.') input = `/${input.slice(3)}`;
    else if (input.startsWith('/../') || input === '/..') {
      input = `/${input.slice(4)}`;
      output = output.slice(0, Math.max(0, output.lastIndexOf('/')));
    } else {
      const end = input.indexOf('/', 1) < 0 ? input.length : input.indexOf('/', 1);
      output += input.slice(0, end);
      input = input.slice(end);
    }
  }
  return output;
}
