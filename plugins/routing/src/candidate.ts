import type { RequestHead, Route } from '@outrigger/core';
import type { Match } from './match.ts';

/** A route whose host and path match; whether its conditions do is asked for each request. */
export interface Candidate {
  readonly route: Route;
  readonly method: string | undefined;
  readonly headers: readonly Condition[];
}

export interface Condition {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

export function candidate(route: Route, match: Match): Candidate {
  const headers = Object.entries(match.headers ?? {}).map(([name, value]) => ({ name: name.toLowerCase(), value }));
  return { route, method: match.method, headers };
}

/** Of a header sent more than once the first value counts. */
export function holds(one: Candidate, request: RequestHead): boolean {
  if (one.method !== undefined && one.method !== request.method) return false;
  for (let i = 0; i < one.headers.length; i++) {
    const { name, value } = one.headers[i]!;
    if (request.headers.get(name) !== value) return false;
  }
  return true;
}

/** A method counts as one, as HTTP/2's `:method` would. */
export function conditions(one: Candidate): number {
  return one.headers.length + (one.method === undefined ? 0 : 1);
}
