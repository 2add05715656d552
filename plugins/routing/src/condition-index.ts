import type { RequestHead, Route } from '@outrigger/core';
import { type Candidate, type Condition, holds } from './candidate.ts';

/**
 * Many candidates by their conditions: those that ask for headers by the one of these that fewest others ask for, the rest by
 * method. A look-up goes through the headers of the request, not through the candidates.
 */
export class ConditionIndex {
  readonly #candidates: readonly Candidate[];
  /** By name and value of a header: places in `candidates`, the first ones first. */
  readonly #byHeader = new Map<string, Map<string, number[]>>();
  /** The first place for a method, of those that ask for no header; undefined: any method. */
  readonly #byMethod = new Map<string | undefined, number>();

  /** `candidates` in their order, which this does not change. */
  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
    for (const { headers } of candidates) for (const header of headers) this.#at(header).push(0);
    const rarest = candidates.map(({ headers }) =>
      headers.toSorted((a, b) => this.#at(a).length - this.#at(b).length).at(0),
    );
    this.#byHeader.clear();
    candidates.forEach(({ method }, place) => {
      const header = rarest[place];
      if (header !== undefined) this.#at(header).push(place);
      else if (!this.#byMethod.has(method)) this.#byMethod.set(method, place);
    });
  }

  first(request: RequestHead): Route | undefined {
    const none = this.#candidates.length;
    let first = Math.min(this.#byMethod.get(request.method) ?? none, this.#byMethod.get(undefined) ?? none);
    for (const [name, value] of request.headers) {
      for (const place of this.#byHeader.get(name.toLowerCase())?.get(value) ?? []) {
        if (place >= first) break;
        if (holds(this.#candidates[place]!, request)) first = place;
      }
    }
    return this.#candidates[first]?.route;
  }

  #at({ name, value }: Condition): number[] {
    let values = this.#byHeader.get(name);
    if (!values) this.#byHeader.set(name, (values = new Map()));
    let places = values.get(value);
    if (!places) values.set(value, (places = []));
    return places;
  }
}
