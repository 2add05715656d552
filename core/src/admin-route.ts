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
}

export interface AdminReply {
  /** Default 200. */
  readonly status?: number;
  /** An object is sent as JSON. */
  readonly body: string | object;
  readonly contentType?: string;
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
  serve(request: AdminRequest): Awaitable<AdminReply>;
}
