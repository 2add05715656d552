import type { RequestHead, Route } from '@outrigger/core';
import type { Match } from './match.ts';

/** A route whose host and path match; whether its conditions do is asked for each request. */
export interface Candidate {
  readonly route: Route;
  readonly method: string | undefined;
  readonly headers: readonly Condition[];
}

interface Condition {
  readonly name: string;
  readonly value: string;
}

export function candidate(route: Route, match: Match): Candidate {
  const headers = Object.entries(match.headers ?? {}).map(([name, value]) => ({ name, value }));
  return { route, method: match.method, headers };
}

/** Puts one more candidate behind those with as many conditions or more. A method counts as one, as HTTP/2's `:method` would. */
export function addCandidate(candidates: Candidate[], added: Candidate): void {
  const at = candidates.findIndex((other) => conditions(other) < conditions(added));
  candidates.splice(at < 0 ? candidates.length : at, 0, added);
}

/** The first candidate whose conditions hold. Of a header sent more than once the first value counts. */
export function firstThatHolds(candidates: readonly Candidate[], request: RequestHead): Route | undefined {
  for (let i = 0; i < candidates.length; i++) {
    const one = candidates[i]!;
    if (holds(one, request)) return one.route;
  }
  return undefined;
}

function holds(one: Candidate, request: RequestHead): boolean {
  if (one.method !== undefined && one.method !== request.method) return false;
  for (let i = 0; i < one.headers.length; i++) {
    const { name, value } = one.headers[i]!;
    if (request.headers.get(name) !== value) return false;
  }
  return true;
}

function conditions(one: Candidate): number {
  return one.headers.length + (one.method === undefined ? 0 : 1);
}
