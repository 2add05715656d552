import { isIPv4, isIPv6 } from 'node:net';

/** What a `host:port`, `[v6]:port` or `unix:/path` says. */
export type ParsedAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Reads an address. Throws an Error that says what is expected; the host may be a name, `*` or empty (every address).
 */
export function parseAddress(text: string): ParsedAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice(5);
    if (path === '') throw new Error(`"${text}" names no path; expected unix:/path/of/the.sock`);
    return { path };
  }
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new Error(`"${text}" is not an address; expected host:port, [ipv6]:port or unix:/path`);
  if (match[1] !== undefined && !isIPv6(match[1])) throw new Error(`"${match[1]}" is not an IPv6 address`);
  const host = match[1] ?? match[2]!;
  if (/^[\d.]+$/.test(host) && !isIPv4(host)) throw new Error(`"${host}" is not an IPv4 address`);
  return { host: host === '*' ? '' : host, port };
}
