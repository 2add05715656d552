import { type Endpoint, hashKey } from '@outrigger/core';
import { expect } from 'chai';
import { Hashing, type HashingSettings } from '../src/hashing.ts';
import { maglevTable } from '../src/maglev.ts';
import { ringOf } from '../src/ring-hash.ts';
import {
  type Asked,
  end,
  endpoint,
  itIsAPolicy,
  many,
  open,
  over,
  type Pooled,
  SEED,
  seeded,
  sessionOf,
  tally,
} from './pool.ts';

const KEYS = Array.from({ length: 20_000 }, (_, i) => sessionOf({ headers: { 'x-user': `user-${i}` } }));
const byUser = { hash: { header: 'x-user' } };

/** Where each key goes. */
const placed = (balancer: Hashing, tried: readonly Endpoint[] = []) =>
  KEYS.map((session) => balancer.pick(session, tried)!.address);

const moved = (before: readonly string[], after: readonly string[]) =>
  before.flatMap((address, i) => (address === after[i] ? [] : [[address, after[i]!] as const]));

for (const [policy, build, slack, stray] of [
  ['ring-hash', ringOf, 0.3, 0],
  ['maglev', () => maglevTable, 0.03, 0.03],
] as const) {
  const make = (settings: HashingSettings = byUser) => new Hashing(settings, build(), seeded());

  describe(`${policy} (seed ${SEED})`, () => {
    itIsAPolicy(() => make());
    describe('with bounded load', () => itIsAPolicy(() => make({ balanceFactor: 1.25 })));

    for (const weights of [[1, 1, 1], [5, 3, 2], Array.from({ length: 20 }, () => 2)])
      it(`gives each of weights ${weights.join(' ')} its share of the keys, within ${slack * 100} %`, () => {
        const all = weights.map((weight, i) => endpoint(`10.0.0.${i}:80`, weight));
        const counts = tally(placed(over(make(), all)));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        // The keys are a sample: five standard deviations come on top.
        for (const { address, weight } of all) {
          const expected = (KEYS.length * weight) / total;
          const room = expected * slack + 5 * Math.sqrt(expected);
          expect(counts[address], address).to.be.within(expected - room, expected + room);
        }
      });

    it('is the same in every sidecar, whatever order the list has', () => {
      const all = many(10, (i) => 1 + (i % 3));
      expect(placed(over(make(), all))).to.deep.equal(placed(over(make(), all.toReversed())));
    });

    it('moves the keys of one that leaves, and few others', () => {
      const all = many(10);
      const before = placed(over(make(), all));
      const after = placed(over(make(), all.slice(1)));
      const changes = moved(before, after);
      expect(changes.filter(([from]) => from === 'e0').length).to.equal(tally(before)['e0']);
      expect(changes.filter(([from]) => from !== 'e0').length / KEYS.length).to.be.at.most(stray);
    });

    it('moves its share to one that joins, and few others', () => {
      const all = many(10);
      const balancer = over(make(), all);
      const before = placed(balancer);
      balancer.update([...all, endpoint('new')]);
      const changes = moved(before, placed(balancer));
      expect(changes.filter(([, to]) => to === 'new').length / KEYS.length).to.be.within(0.06, 0.13);
      expect(changes.filter(([, to]) => to !== 'new').length / KEYS.length).to.be.at.most(stray);
    });

    it('has everything as it was when one has left and come back', () => {
      const all = many(10);
      const balancer = over(make(), all);
      const before = placed(balancer);
      balancer.update(all.slice(0, 9));
      balancer.update(all);
      expect(placed(balancer)).to.deep.equal(before);
    });

    it('sends the keys of a tried one to the others, and always the same way', () => {
      const all = many(10);
      const balancer = over(make(), all);
      const [before, after] = [placed(balancer), placed(balancer, [all[3]!])];
      expect(moved(before, after).every(([from]) => from === 'e3')).to.equal(true);
      expect(new Set(after).has('e3')).to.equal(false);
      expect(placed(balancer, [all[3]!])).to.deep.equal(after);
    });

    const sources: readonly [name: string, hash: HashingSettings['hash'], key: (value: string) => Asked][] = [
      ['a header', { header: 'x-user' }, (value) => ({ headers: { 'x-user': value } })],
      ['a cookie', { cookie: 'sid' }, (value) => ({ headers: { cookie: `a=1; sid=${value}; b=2` } })],
      ['a query parameter', { query: 'room' }, (value) => ({ query: `x=1&room=${value}&y` })],
      ['the path', { path: true }, (value) => ({ path: `/${value}` })],
      ['the source address', { source: true }, (value) => ({ peer: value })],
      ['the source address, where nothing is said', undefined, (value) => ({ peer: value })],
    ];
    for (const [name, hash, key] of sources)
      it(`goes by ${name}`, () => {
        const balancer = over(make(hash === undefined ? {} : { hash }), many(10));
        const at = (value: string) => balancer.pick(sessionOf(key(value)), [])!.address;
        for (let i = 0; i < 20; i++) expect(at('one')).to.equal(at('one'));
        expect(new Set(Array.from({ length: 200 }, (_, i) => at(`v${i}`))).size).to.equal(10);
      });

    it("goes by a plugin's own key before all else", () => {
      const balancer = over(make(), many(10));
      const sessions = Array.from({ length: 50 }, (_, i) => sessionOf({ headers: { 'x-user': `u${i}` } }));
      for (const session of sessions) session.setState(hashKey, 'tenant-7');
      expect(new Set(sessions.map((session) => balancer.pick(session, [])!.address)).size).to.equal(1);
    });

    it('sends a session without the key anywhere', () => {
      const balancer = over(make(), many(5));
      const counts = tally(Array.from({ length: 5_000 }, () => balancer.pick(sessionOf(), [])!.address));
      for (const count of Object.values(counts)) expect(count).to.be.within(850, 1_150);
    });

    it('lets nobody have more than balanceFactor times its share of the open sessions', () => {
      const all = many(10, (i) => 1 + (i % 2));
      const balancer = over(make({ ...byUser, balanceFactor: 1.25 }), all);
      const hot = sessionOf({ headers: { 'x-user': 'hot' } });
      const sessions: Pooled[] = [];
      const random = seeded();
      for (let i = 0; i < 3_000; i++) {
        if (random() < 0.3 && sessions.length > 0)
          end(balancer, sessions.splice(Math.floor(random() * sessions.length), 1)[0]!);
        const at = open(balancer, [], hot)!;
        sessions.push(at);
        expect(at.requests).to.be.at.most(Math.ceil((1.25 * sessions.length * at.weight) / 15));
      }
    });

    it('keeps a key at home while the load is even', () => {
      const all = many(10);
      const home = placed(over(make(), all));
      const balancer = over(make({ ...byUser, balanceFactor: 2 }), all);
      const at = KEYS.slice(0, 5_000).map((session) => open(balancer, [], session)!.address);
      expect(moved(home.slice(0, 5_000), at).length).to.be.at.most(100);
    });
  });
}

describe('maglev', () => {
  it('fills its whole table, 65,537 entries, by weight', () => {
    const { owners } = maglevTable(many(7, (i) => i + 1));
    const counts = tally([...owners].map(String));
    expect(owners.length).to.equal(65_537);
    for (let i = 0; i < 7; i++) expect(counts[i]! / 65_537).to.be.closeTo((i + 1) / 28, 0.002);
  });
});

describe('ring-hash', () => {
  for (const [count, weight] of [
    [1, 1],
    [3, 1],
    [1_000, 1],
    [50, 256],
  ] as const)
    it(`has 1,024 to 131,072 points for ${count} endpoints of weight ${weight}`, () => {
      expect(ringOf()(many(count, () => weight)).owners.length).to.be.within(1_000, 131_072);
    });
});
