import { BlockList, isIPv4 } from 'node:net';
import type { Address, Connection } from '@outrigger/core';

/** Whose trace context is continued. */
export type Trust = 'all' | 'none' | 'peers';

/** Whether the trace context that comes over a connection is continued; `peers` asks its listener's `trustedPeers`. */
export function trustIn(trust: Trust): (connection: Connection) => boolean {
  if (trust === 'all') return () => true;
  if (trust === 'none') return () => false;
  const known = new WeakMap<Connection, boolean>();
  return (connection) => {
    let trusted = known.get(connection);
    if (trusted === undefined) {
      const networks = connection.listener.settings['trustedPeers'];
      trusted = Array.isArray(networks) && liesIn(networks, connection.peer.address);
      known.set(connection, trusted);
    }
    return trusted;
  };
}

const compiled = new WeakMap<readonly string[], BlockList>();

/** A Unix-domain peer lies in no network. */
function liesIn(networks: readonly string[], address: Address): boolean {
  if (networks.length === 0 || address.family === 'unix') return false;
  let list = compiled.get(networks);
  if (list === undefined) {
    list = new BlockList();
    for (const network of networks) {
      const [ip = '', bits] = network.split('/', 2);
      const family = isIPv4(ip) ? 'ipv4' : 'ipv6';
      list.addSubnet(ip, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
    }
    compiled.set(networks, list);
  }
  return list.check(address.host, address.family);
}
