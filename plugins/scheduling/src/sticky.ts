import { createHmac } from 'node:crypto';
import {
  type Cluster,
  type ConnectionHooks,
  createSlot,
  isToken,
  type Schema,
  type Session,
  stickTo,
} from '@outrigger/core';
import { cookieOf } from './cookie.ts';

/** `sticky:` of a cluster. */
export interface Sticky {
  readonly cookie?: string;
  /** Milliseconds. */
  readonly ttl?: number;
  readonly path: string;
  readonly secure: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
}

export const stickySection: Schema = {
  cookie: {
    doc: 'Name of a cookie that brings a client back to its endpoint, whatever the policy says; off where it is missing.',
    format: token,
    optional: true,
  },
  ttl: {
    doc: "The cookie's Max-Age; without it the cookie ends with the browser.",
    format: 'duration',
    optional: true,
  },
  path: { doc: "The cookie's Path.", format: cookiePath, default: '/' },
  secure: { doc: 'Whether the cookie is sent over TLS alone.', format: Boolean, default: false },
  sameSite: { doc: "The cookie's SameSite; none needs secure.", format: ['strict', 'lax', 'none'], default: 'lax' },
};

/** What a session's cookie says. */
const toldBy = createSlot<string>('sticky');

/**
 * Session affinity by a cookie that we set. Its value is an HMAC-SHA256 of cluster and address (as in Caddy's `cookie` policy):
 * nobody can make one for an endpoint of his choice, and none tells an address. It is computed when the list of endpoints
 * changes, not for each session. Where the endpoint is gone, out or has failed, the policy picks, and the cookie is replaced.
 */
export function stickyHooks(secret: Buffer): ConnectionHooks {
  const tags = new Tags(secret);
  return {
    wanted: ({ clusters }) =>
      clusters.some(({ settings }) => (settings['sticky'] as Sticky | undefined)?.cookie !== undefined),
    onRoute(session) {
      const { cluster } = session;
      const sticky = cluster?.settings['sticky'] as Sticky | undefined;
      if (sticky?.cookie === undefined) return;
      const value = cookieOf(session.request.headers, sticky.cookie);
      const address = value === undefined ? undefined : tags.addressOf(cluster!, value);
      if (address === undefined) return;
      session.setState(toldBy, address);
      session.setState(stickTo, address);
    },
    onResponse(session) {
      const { cluster } = session;
      const sticky = cluster?.settings['sticky'] as Sticky | undefined;
      if (sticky?.cookie === undefined) return;
      // Made when it is first asked for: not for sessions that it is no matter of.
      const response = session.response!;
      if (response.local) return;
      const address = endpointOf(session);
      if (address === undefined || address === session.state(toldBy)) return;
      response.headers.append('set-cookie', setCookie(sticky, tags.tagOf(cluster!, address)));
    },
  };
}

function endpointOf({ attempts }: Session): string | undefined {
  return attempts.at(-1)?.endpoint.address;
}

function setCookie({ cookie, ttl, path, secure, sameSite }: Sticky, value: string): string {
  const age = ttl === undefined || ttl === Number.POSITIVE_INFINITY ? '' : `; Max-Age=${Math.ceil(ttl / 1_000)}`;
  const site = `${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}`;
  return `${cookie}=${value}; Path=${path}${age}; HttpOnly${secure ? '; Secure' : ''}; SameSite=${site}`;
}

/** The cookie's value for each endpoint, and back. */
class Tags {
  readonly #secret: Buffer;
  readonly #known = new WeakMap<Cluster['endpoints'], ReadonlyMap<string, string>>();

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  tagOf({ name }: Cluster, address: string): string {
    // The length keeps one cluster's endpoint from being read as another's.
    return createHmac('sha256', this.#secret).update(`${name.length}:${name}${address}`).digest('base64url');
  }

  addressOf(cluster: Cluster, tag: string): string | undefined {
    const { endpoints } = cluster;
    let addresses = this.#known.get(endpoints);
    if (addresses === undefined) {
      addresses = new Map(endpoints.map(({ address }) => [this.tagOf(cluster, address), address]));
      this.#known.set(endpoints, addresses);
    }
    return addresses.get(tag);
  }
}

function token(value: unknown): void {
  if (typeof value !== 'string' || !isToken(value)) throw new Error('must be the name of a cookie');
}

function cookiePath(value: unknown): void {
  if (typeof value !== 'string' || !/^\/[\x21-\x3a\x3c-\x7e]*$/.test(value))
    throw new Error('must be a path such as /');
}
