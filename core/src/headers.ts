import type { FieldLine } from './field-line.ts';

/**
 * The fields of a head. Names compare without case; order and casing of what came in are kept.
 *
 * Reading walks the head as it was received, so that a session whose headers nobody asks for pays nothing. Values are
 * latin1 strings without surrounding blanks. A field that frames the message or belongs to one connection
 * (Content-Length, Transfer-Encoding, Connection, Upgrade …) can be read, not written: those are the engine's.
 */
export interface Headers extends Iterable<readonly [name: string, value: string]> {
  /** The first value of `name`, or undefined. */
  get(name: string): string | undefined;
  /** Every value of `name`, in order. */
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Replaces every `name` by one, at the end of the head. Throws a TypeError on an invalid name or value. */
  set(name: string, value: string): void;
  /** Adds one, at the end of the head. Throws a TypeError on an invalid name or value. */
  append(name: string, value: string): void;
  /** Adds one that was found valid before, at the end of the head. */
  append(line: FieldLine): void;
  remove(name: string): void;
}

/** Headers of one attempt alone: they replace those of the request and are gone with the next try. */
export interface HeaderOverlay {
  set(name: string, value: string): void;
  remove(name: string): void;
}

export interface RequestHead {
  readonly method: string;
  /** As the client sent it: origin-form, absolute-form or `*`. */
  readonly target: string;
  /** The path without the query; `*` for `OPTIONS *`. */
  readonly path: string;
  /** Without `?`; empty where there is none. */
  readonly query: string;
  /** Host without port, in lower case; an IPv6 address without brackets. Empty where HTTP/1.0 sent none. */
  readonly host: string;
  /** The authority as sent, port included. */
  readonly authority: string;
  readonly version: '1.0' | '1.1';
  readonly headers: Headers;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  /** True where the sidecar itself answers: no route, a reject, a failure. */
  readonly local: boolean;
}
