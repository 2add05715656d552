import { BlockList, isIPv4 } from 'node:net';
import type { PeerInfo } from './connection.ts';

interface Compiled {
  readonly networks: BlockList | undefined;
  readonly ids: ReadonlySet<string>;
  /** `spiffe://mesh/ns/a/`, of `spiffe://mesh/ns/a/*`. */
  readonly prefixes: readonly string[];
}

const compiled = new WeakMap<readonly string[], Compiled>();

/**
 * Whether a peer is among those of `trustedPeers`: its address lies in one of the networks (`10.0.0.0/8`, `::1/128`, a plain
 * address), or it proved a certificate with one of the SPIFFE IDs (`spiffe://mesh/ns/a/sa/web`; `spiffe://mesh/ns/a/*` is every
 * ID below). A Unix-domain peer lies in no network. Once a connection.
 */
export function isTrusted(trusted: readonly string[], { address, tls }: PeerInfo): boolean {
  if (trusted.length === 0) return false;
  let known = compiled.get(trusted);
  if (known === undefined) {
    known = compile(trusted);
    compiled.set(trusted, known);
  }
  const { networks, ids, prefixes } = known;
  if (address.family !== 'unix' && networks?.check(address.host, address.family)) return true;
  const id = tls?.certificate?.spiffeId;
  return id !== undefined && (ids.has(id) || prefixes.some((prefix) => id.startsWith(prefix)));
}

function compile(trusted: readonly string[]): Compiled {
  const ids = trusted.filter((one) => one.startsWith('spiffe://'));
  const addresses = trusted.filter((one) => !one.startsWith('spiffe://'));
  const networks = new BlockList();
  for (const network of addresses) {
    const [ip = '', bits] = network.split('/', 2);
    const family = isIPv4(ip) ? 'ipv4' : 'ipv6';
    networks.addSubnet(ip, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return {
    networks: addresses.length === 0 ? undefined : networks,
    ids: new Set(ids.filter((id) => !id.endsWith('/*'))),
    prefixes: ids.filter((id) => id.endsWith('/*')).map((id) => id.slice(0, -1)),
  };
}
