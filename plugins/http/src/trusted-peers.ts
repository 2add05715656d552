import { BlockList, isIPv4 } from 'node:net';
import type { Address } from '@outrigger/core';

const compiled = new WeakMap<readonly string[], BlockList>();

/** Whether `address` lies in one of the networks (`10.0.0.0/8`, `::1/128`, a plain address). A Unix-domain peer never does. */
export function isTrusted(networks: readonly string[], address: Address): boolean {
  if (networks.length === 0 || address.family === 'unix') return false;
  let list = compiled.get(networks);
  if (list === undefined) {
    list = new BlockList();
    for (const network of networks) {
      const [ip, bits] = network.split('/', 2) as [string, string | undefined];
      const family = isIPv4(ip) ? 'ipv4' : 'ipv6';
      list.addSubnet(ip, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
    }
    compiled.set(networks, list);
  }
  return list.check(address.host, address.family);
}
