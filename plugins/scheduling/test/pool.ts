import type { Balancer, Endpoint, Session, Slot } from '@outrigger/core';
import { expect } from 'chai';

export type Pooled = { -readonly [K in keyof Endpoint]: Endpoint[K] };

export const endpoint = (address: string, weight = 1, requests = 0, streams = 0): Pooled => ({
  address,
  weight,
  metadata: {},
  requests,
  streams,
});

/** `a5 b c:2` → endpoints; a number behind the letter is the weight, one behind the colon the open requests. */
export const endpoints = (text: string): Pooled[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [, address, weight, open] = /^([a-z])(\d*)(?::(\d+))?$/.exec(word)!;
      return endpoint(address!, Number(weight || 1), Number(open ?? 0));
    });

/** `count` endpoints `e0`, `e1` …; `weight` by index. */
export const many = (count: number, weight: (i: number) => number = () => 1): Pooled[] =>
  Array.from({ length: count }, (_, i) => endpoint(`e${i}`, weight(i)));

/** Every distribution below is drawn with this one. */
export const SEED = 20_261_124;

/** mulberry32: numbers from 0 up to 1, the same ones for the same seed. */
export function seeded(seed = SEED): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly path?: string;
  readonly peer?: string;
}

/** A session as a hashing policy sees it. */
export function sessionOf({ headers = {}, query = '', path = '/', peer = '10.0.0.1' }: Asked = {}): Session {
  const state: unknown[] = [];
  return {
    request: { headers: { get: (name: string) => headers[name] }, query, path },
    connection: { peer: { address: { family: 'ipv4', host: peer, port: 1 } } },
    state: (slot: Slot<unknown>) => state[slot.index],
    setState: (slot: Slot<unknown>, value: unknown) => {
      state[slot.index] = value;
    },
  } as unknown as Session;
}

const plain = sessionOf();

/** Begins a session at whom the balancer picks. */
export function open(balancer: Balancer, tried: readonly Endpoint[] = [], session = plain): Pooled | undefined {
  const picked = balancer.pick(session, tried) as Pooled | undefined;
  if (picked === undefined) return undefined;
  picked.requests++;
  balancer.observe?.(picked, { kind: 'begin', ms: 0 });
  return picked;
}

export function end(balancer: Balancer, at: Pooled): void {
  at.requests--;
  balancer.observe?.(at, { kind: 'end', ms: 0 });
}

/** Addresses of `count` picks. */
export const picks = (balancer: Balancer, count: number, tried: readonly Endpoint[] = []): string =>
  Array.from({ length: count }, () => balancer.pick(plain, tried)?.address ?? '-').join(' ');

/** Addresses of `count` sessions, which stay open. */
export const opens = (balancer: Balancer, count: number, tried: readonly Endpoint[] = []): string =>
  Array.from({ length: count }, () => open(balancer, tried)?.address ?? '-').join(' ');

/** How often each address comes. */
export function tally(addresses: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of addresses) counts[address] = (counts[address] ?? 0) + 1;
  return counts;
}

export function over<B extends Balancer>(balancer: B, list: readonly Endpoint[]): B {
  balancer.update(list);
  return balancer;
}

/** What every policy has to do. */
export function itIsAPolicy(make: () => Balancer): void {
  it('picks nobody from an empty list', () => {
    expect(over(make(), []).pick(plain, [])).to.equal(undefined);
  });

  for (const list of ['a', 'a b c', 'a5 b1 c2']) {
    it(`picks nobody when all of "${list}" were tried`, () => {
      const all = endpoints(list);
      const balancer = over(make(), all);
      for (let i = 0; i < 50; i++) expect(balancer.pick(plain, all)).to.equal(undefined);
    });

    it(`leaves out who was tried, of "${list}", by address`, () => {
      const balancer = over(make(), endpoints(list));
      for (let i = 0; i < 200; i++)
        for (const tried of endpoints(list)) expect(balancer.pick(plain, [tried])?.address).to.not.equal(tried.address);
    });
  }

  it('picks nobody that has left the list', () => {
    const balancer = over(make(), endpoints('a b c'));
    opens(balancer, 20);
    balancer.update(endpoints('b c'));
    for (let i = 0; i < 100; i++) expect(open(balancer)?.address).to.be.oneOf(['b', 'c']);
  });

  it('picks a newcomer', () => {
    const balancer = over(make(), endpoints('a b'));
    opens(balancer, 20);
    // `first` and a hash may prefer others: they are tried.
    const list = endpoints('a b n');
    balancer.update(list);
    expect(balancer.pick(plain, list.slice(0, 2))?.address).to.equal('n');
  });
}
