import type { RequestHead, Route, Sliced } from '@outrigger/core';
import type { Candidate } from './candidate.ts';
import { HASH_START, hashOf, hashOn } from './hash.ts';
import { canonicalHost } from './match.ts';
import { PathTable } from './path-table.ts';

const DOT = 0x2e;

/** Routes by host: the exact one, then wildcards from the longest to the shortest, then those for any host. */
export class HostTable {
  readonly #exact = new Map<string, PathTable>();
  /** Wildcards by the hash of their suffix, read backwards; those that share one are chained. */
  readonly #wildcards = new Map<number, Wildcard>();
  readonly #any = new PathTable();

  /** The paths of a host pattern; made where they are missing. */
  paths(pattern: string | undefined): PathTable {
    const host = pattern === undefined ? '*' : canonicalHost(pattern);
    if (host === '*') return this.#any;
    if (host.startsWith('*.')) return this.#wildcard(host.slice(1)).paths;
    let paths = this.#exact.get(host);
    if (!paths) this.#exact.set(host, (paths = new PathTable()));
    return paths;
  }

  add(host: string | undefined, path: string | undefined, candidate: Candidate): void {
    this.paths(host).add(path, candidate);
  }

  /** Links what belongs together; after the last `add`. */
  *finish(): Sliced<void> {
    yield* this.#any.finish();
    for (const paths of this.#exact.values()) yield* paths.finish();
    for (const first of this.#wildcards.values())
      for (let wildcard: Wildcard | undefined = first; wildcard; wildcard = wildcard.collision) {
        yield* wildcard.paths.finish();
        // From the second character on, so that it does not find itself.
        wildcard.shorter = this.#longest(wildcard.suffix);
      }
  }

  /** `path` in its canonical form. A host none of whose paths match does not end the search. */
  find(path: string, request: RequestHead): Route | undefined {
    const host = request.host;
    if (this.#exact.size > 0) {
      const route = this.#exact.get(host)?.find(path, request);
      if (route !== undefined) return route;
    }
    if (this.#wildcards.size > 0)
      for (let wildcard = this.#longest(host); wildcard !== undefined; wildcard = wildcard.shorter) {
        const found = wildcard.paths.find(path, request);
        if (found !== undefined) return found;
      }
    return this.#any.find(path, request);
  }

  /** The longest wildcard that `host` is below. */
  #longest(host: string): Wildcard | undefined {
    let longest: Wildcard | undefined;
    let hash = HASH_START;
    for (let i = host.length - 1; i > 0; i--) {
      const code = host.charCodeAt(i);
      hash = hashOn(hash, code);
      if (code === DOT) longest = this.#at(hash, host, host.length - i) ?? longest;
    }
    return longest;
  }

  #at(hash: number, host: string, length: number): Wildcard | undefined {
    let wildcard = this.#wildcards.get(hash);
    while (wildcard !== undefined && (wildcard.suffix.length !== length || !host.endsWith(wildcard.suffix)))
      wildcard = wildcard.collision;
    return wildcard;
  }

  #wildcard(suffix: string): Wildcard {
    const hash = hashOf(suffix, 'backwards');
    const known = this.#at(hash, suffix, suffix.length);
    if (known !== undefined) return known;
    const wildcard = new Wildcard(suffix);
    wildcard.collision = this.#wildcards.get(hash);
    this.#wildcards.set(hash, wildcard);
    return wildcard;
  }
}

class Wildcard {
  /** With its leading dot: `.example.com`. */
  readonly suffix: string;
  readonly paths = new PathTable();
  /** The next shorter wildcard that covers this one. */
  shorter: Wildcard | undefined = undefined;
  /** Another one with the same hash. */
  collision: Wildcard | undefined = undefined;

  constructor(suffix: string) {
    this.suffix = suffix;
  }
}
