import type { Schema } from '@outrigger/core';
import { canonicalPath } from './path.ts';

/** What a route's `match:` asks for; whatever it leaves out matches anything. */
export interface Match {
  /** `chat.example.com`, or `*.example.com` for every name below it. */
  readonly host?: string | undefined;
  /** `/x` and everything below it; `=/x` for that path alone. */
  readonly path?: string | undefined;
  /** Names and the values that they must have. Names compare without case, values with it. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly method?: string | undefined;
}

/** The section that this plugin adds to routes. */
export const routeSection: Schema = {
  match: {
    host: {
      doc: 'Host that the request must name, without port; `*.example.com` stands for every name below example.com.',
      format: hostPattern,
      optional: true,
    },
    path: {
      doc: 'Path that the request must have: `/x` means /x and everything below it, `=/x` that path alone.',
      format: pathPattern,
      optional: true,
    },
    headers: {
      doc: 'Headers that the request must carry, each with exactly this value.',
      format: { map: String },
      optional: true,
    },
    method: { doc: 'Method that the request must have.', format: methodName, optional: true },
  },
};

/** Host without port and in lower case, an IPv6 address without brackets: the form of `RequestHead.host`. */
export function canonicalHost(host: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/^([^:]*):\d+$/, '$1')).toLowerCase();
}

function hostPattern(value: unknown): void {
  const host = typeof value === 'string' ? canonicalHost(value) : '';
  const name = host.startsWith('*.') ? host.slice(2) : host;
  if (host === '*') return;
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/.test(name) && !/^[0-9a-f:.]+$/.test(name))
    throw new Error('must be a host name, or a wildcard such as *.example.com');
}

function pathPattern(value: unknown): void {
  if (typeof value !== 'string' || !/^=?\/[^?#]*$/.test(value))
    throw new Error('must be a path such as /x (that and below) or =/x (that alone), without query');
  // Such a route could never be reached: requests for it are refused as ambiguous.
  if (/\/\/|\\|%2F|%5C|\/\.\.?(?:[/;]|$)/.test(canonicalPath(value)))
    throw new Error('must not have dot segments, doubled slashes, backslashes or encoded slashes');
}

function methodName(value: unknown): void {
  if (typeof value !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Z-]+$/.test(value))
    throw new Error('must be a method such as GET, in capitals');
}
