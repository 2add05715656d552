import type { RequestHead, Route } from '@outrigger/core';
import { type Candidate, conditions, holds } from './candidate.ts';
import { ConditionIndex } from './condition-index.ts';

/** Up to so many are asked one after another. */
const FEW = 16;

/** The routes that share a host and a path. */
export class Candidates {
  readonly #all: Candidate[] = [];
  #index: ConditionIndex | undefined;

  /** To be called in the order of the file, and {@link finish} after the last. */
  add(added: Candidate): void {
    this.#all.push(added);
  }

  /** Puts those with more conditions first. */
  finish(): void {
    this.#all.sort((a, b) => conditions(b) - conditions(a));
    this.#index = this.#all.length > FEW ? new ConditionIndex(this.#all) : undefined;
  }

  /** The first candidate whose conditions hold. */
  first(request: RequestHead): Route | undefined {
    if (this.#index !== undefined) return this.#index.first(request);
    for (let i = 0; i < this.#all.length; i++) {
      const one = this.#all[i]!;
      if (holds(one, request)) return one.route;
    }
    return undefined;
  }
}
