import { expect } from 'chai';
import type { PeerInfo } from '../src/connection.ts';
import { isTrusted } from '../src/trusted-peers.ts';

const peer = (host: string, spiffeId?: string) =>
  ({
    address: host === '' ? { family: 'unix', host, port: 0 } : { family: host.includes(':') ? 'ipv6' : 'ipv4', host },
    ...(spiffeId !== undefined && { tls: { certificate: { spiffeId } } }),
  }) as unknown as PeerInfo;

describe('trustedPeers', () => {
  const web = 'spiffe://mesh/ns/a/sa/web';
  const table: readonly (readonly [trusted: string[], host: string, id: string | undefined, isOne: boolean])[] = [
    [[], '10.0.0.1', web, false],
    [['10.0.0.0/8'], '10.0.0.1', undefined, true],
    [['10.0.0.0/8'], '11.0.0.1', undefined, false],
    [['10.0.0.1'], '10.0.0.1', undefined, true],
    [['fd00::/8'], 'fd00::1', undefined, true],
    [['0.0.0.0/0', '::/0'], '', undefined, false],
    [[web], '192.0.2.1', undefined, false],
    [[web], '192.0.2.1', web, true],
    [[web], '', web, true],
    [[web], '192.0.2.1', `${web}x`, false],
    [[web], '192.0.2.1', `${web}/x`, false],
    [['spiffe://mesh/ns/a/*'], '192.0.2.1', web, true],
    [['spiffe://mesh/ns/*'], '192.0.2.1', web, true],
    [['spiffe://mesh/*'], '192.0.2.1', web, true],
    [['spiffe://mesh/ns/a/*'], '192.0.2.1', 'spiffe://mesh/ns/ab/sa/web', false],
    [['spiffe://mesh/ns/a/*'], '192.0.2.1', 'spiffe://mesh/ns/a', false],
    [['spiffe://mesh/*'], '192.0.2.1', 'spiffe://mesh.evil/ns/a', false],
    [['10.0.0.0/8', 'spiffe://other/*', web], '192.0.2.1', web, true],
  ];
  for (const [trusted, host, id, isOne] of table)
    it(`${trusted.join(' ') || 'nobody'}: ${isOne ? 'is' : 'is not'} ${host || 'a Unix-domain peer'} ${id ?? ''}`, () => {
      expect(isTrusted(trusted, peer(host, id))).to.equal(isOne);
    });
});
