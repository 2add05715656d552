import type { RequestHead, Route, Sliced } from '@outrigger/core';
import type { Candidate } from './candidate.ts';
import { Candidates } from './candidates.ts';
import { HASH_START, hashOf, hashOn } from './hash.ts';
import { canonicalPath } from './path.ts';

const SLASH = 0x2f;

/**
 * The routes of one host by path. A look-up reads the path once, whatever the number of routes, and asks a map at each
 * segment border; it allocates nothing.
 */
export class PathTable {
  /** Nodes by the hash of their text; those that share one are chained. */
  readonly #nodes = new Map<number, Node>();
  /** `/`: every path. */
  readonly #root = new Node('');
  /** Routes without a path: they match `*` too (RFC 9112 §3.2.4). */
  readonly #pathless = new Candidates();

  /** To be called in the order of the file, and {@link finish} after the last. */
  add(pattern: string | undefined, candidate: Candidate): void {
    if (pattern === undefined) this.#pathless.add(candidate);
    else if (pattern.startsWith('=')) this.#node(canonicalPath(pattern.slice(1))).exact.add(candidate);
    else this.#node(canonicalPath(pattern).replace(/\/+$/, '')).below.add(candidate);
  }

  *finish(): Sliced<void> {
    this.#pathless.finish();
    this.#root.finish();
    for (const first of this.#nodes.values()) {
      for (let node: Node | undefined = first; node; node = node.collision) {
        node.finish();
        node.parent = this.#parent(node.text);
      }
      yield;
    }
  }

  /** The route for a canonical path: the exact one, then the longest prefix, then those without a path. */
  find(path: string, request: RequestHead): Route | undefined {
    if (path.charCodeAt(0) === SLASH) {
      let longest = this.#root;
      let hash = HASH_START;
      // Nothing to look for: the common listener with one cluster, or with hosts alone.
      const length = this.#nodes.size === 0 ? 0 : path.length;
      for (let i = 0; i < length; i++) {
        const code = path.charCodeAt(i);
        if (code === SLASH && i > 0) longest = this.#at(hash, path, i) ?? longest;
        hash = hashOn(hash, code);
      }
      const whole = this.#at(hash, path, length);
      if (whole !== undefined) {
        const route = whole.exact.first(request);
        if (route !== undefined) return route;
        longest = whole;
      }
      for (let node: Node | undefined = longest; node !== undefined; node = node.parent) {
        const route = node.below.first(request);
        if (route !== undefined) return route;
      }
    }
    return this.#pathless.first(request);
  }

  /** The node whose text is the first `length` characters of `path`. */
  #at(hash: number, path: string, length: number): Node | undefined {
    let node = this.#nodes.get(hash);
    while (node !== undefined && (node.text.length !== length || !path.startsWith(node.text))) node = node.collision;
    return node;
  }

  #node(text: string): Node {
    if (text === '') return this.#root;
    const hash = hashOf(text, 'forwards');
    const known = this.#at(hash, text, text.length);
    if (known !== undefined) return known;
    const node = new Node(text);
    node.collision = this.#nodes.get(hash);
    this.#nodes.set(hash, node);
    return node;
  }

  #parent(text: string): Node {
    for (let border = text.lastIndexOf('/'); border > 0; border = text.lastIndexOf('/', border - 1)) {
      const prefix = text.slice(0, border);
      const node = this.#at(hashOf(prefix, 'forwards'), prefix, border);
      if (node !== undefined) return node;
    }
    return this.#root;
  }
}

class Node {
  /** Routes for this path alone. */
  readonly exact = new Candidates();
  /** Routes for this path and everything below it. */
  readonly below = new Candidates();
  /** The next shorter node that this one lies below. */
  parent: Node | undefined = undefined;
  /** Another node with the same hash. */
  collision: Node | undefined = undefined;

  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  finish(): void {
    this.exact.finish();
    this.below.finish();
  }
}
