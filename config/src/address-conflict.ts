import { isIPv4, isIPv6 } from 'node:net';
import { type ParsedAddress, parseAddress } from '@outrigger/core';

/**
 * Whether two addresses cannot both be listened on. What Linux refuses, and Node with it: the same address; any address of
 * IPv4 (`0.0.0.0`) beside one of IPv4; any address at all (`[::]`, `*`, or no host) beside every other. `0.0.0.0` and `[::1]`
 * go together. `localhost` is taken for 127.0.0.1, other names for themselves. Port 0 is never in the way.
 */
export function conflict(one: string, other: string): boolean {
  const [a, b] = [parsed(one), parsed(other)];
  if (a === undefined || b === undefined) return false;
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  const [left, right] = [canonical(a.host), canonical(b.host)];
  if (left === right || left === ANY || right === ANY) return true;
  return (left === ANY_IPV4 && isIPv4(right)) || (right === ANY_IPV4 && isIPv4(left));
}

const ANY = '::';
const ANY_IPV4 = '0.0.0.0';

function parsed(address: string): ParsedAddress | undefined {
  try {
    return parseAddress(address);
  } catch {
    return undefined;
  }
}

function canonical(host: string): string {
  if (host === '') return ANY;
  if (host.toLowerCase() === 'localhost') return '127.0.0.1';
  if (!isIPv6(host)) return host.toLowerCase();
  // A URL writes an IPv6 address in one way only (RFC 5952).
  const short = URL.canParse(`http://[${host}]`) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host;
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short) ?? [];
  if (high === undefined) return short;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low!, 16)];
  return bits.flatMap((sixteen) => [sixteen >> 8, sixteen & 255]).join('.');
}
