import { isIP } from 'node:net';
import { parseAddress } from '@outrigger/core';

/**
 * Whether a request that names this Host was meant for the admin address: an IP address, `localhost`, or the name in `bind`.
 * A page from elsewhere can make its own name resolve to 127.0.0.1, and a browser then sends that name (DNS rebinding).
 */
export function isOwnHost(bind: string): (host: string) => boolean {
  const where = parseAddress(bind);
  const own = 'path' in where ? undefined : where.host;
  // Nobody reaches a Unix-domain socket by a name.
  if (own === undefined) return () => true;
  return (host) => {
    const name = nameOf(host);
    return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || name === own.toLowerCase();
  };
}

/** Whether nobody but this machine reaches an address to listen on. */
export function isLocal(bind: string): boolean {
  const where = parseAddress(bind);
  if ('path' in where) return true;
  const host = where.host.toLowerCase();
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost' || host.endsWith('.localhost');
}

function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d+$/, '')).toLowerCase();
}
