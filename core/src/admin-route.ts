import type { Awaitable } from './hooks.ts';

/** What an admin request asks. */
export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The field `Accept`; empty where none came. */
  readonly accept: string;
  /** The body, at most 64 KiB. */
  readonly body: string;
  /** The header fields, by name in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Aborted when the client has gone, or when the admin plugin stops: a stream is to say its last word and end. */
  readonly signal: AbortSignal;
}

export interface AdminReply {
  /** Default 200. */
  readonly status?: number;
  /**
   * An object is sent as JSON. A stream is read at the pace of the client, and returned (`iterator.return`) when the client goes;
   * the admin plugin waits for it a second when it stops, then cuts.
   */
  readonly body: string | Uint8Array | AsyncIterable<string> | object;
  /** Default: JSON for an object, plain text for everything else. */
  readonly contentType?: string;
  /** Further header fields; they win over those that every answer has (`cache-control: no-store`). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What may stand in a path or query. */
export interface AdminParameter {
  readonly doc: string;
  /** Default: text. */
  readonly schema?: JsonSchema;
}

/** What a route may answer. */
export interface AdminAnswer {
  readonly doc: string;
  /** Of the body as JSON. */
  readonly schema?: JsonSchema;
  /** Media types of the body, where it is not JSON. */
  readonly contentTypes?: readonly string[];
}

/** A path on the admin address. Contribute as many as you like; the admin plugin serves them, and lists them at `/`. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Exact, or a prefix where it ends in `/*`. */
  readonly path: string;
  readonly doc: string;
  /**
   * Reachable without the admin token, since it tells nothing of this sidecar: for everybody, or for who accepts `text/html`, as
   * browsers do that have no token yet.
   */
  readonly open?: true | 'text/html';
  // What /openapi.json says of it, beside the above.
  /** What stands for the `*` at the end of the path, by the name that it goes by; `rest` unless it is given. */
  readonly rest?: AdminParameter & { readonly name: string };
  /** Parameters of the query, by name; each may be left out. */
  readonly query?: Readonly<Record<string, AdminParameter>>;
  /** By status; default: 200. What is wrong with a request is answered with a JSON object that has a text `error`. */
  readonly responses?: Readonly<Record<number, AdminAnswer>>;
  serve(request: AdminRequest): Awaitable<AdminReply>;
}
