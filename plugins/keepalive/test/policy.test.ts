import type { Session } from '@outrigger/core';
import { expect } from 'chai';
import { Policies } from '../src/policy.ts';
import type { KeepaliveSettings, LegSection, LimitSection } from '../src/settings.ts';

const settings: KeepaliveSettings = {
  websocket: { interval: 25_000, timeout: 10_000 },
  eventStream: { interval: 20_000 },
  idleTimeout: 1_000_000,
  maxAge: Number.POSITIVE_INFINITY,
};

interface Sections {
  readonly listener?: LegSection & LimitSection;
  readonly route?: LimitSection;
  readonly cluster?: LegSection;
}

function session({ listener, route, cluster }: Sections): Session {
  const of = (keepalive: object | undefined) => ({ settings: keepalive === undefined ? {} : { keepalive } });
  return { connection: { listener: of(listener) }, route: of(route), cluster: of(cluster) } as unknown as Session;
}

describe('the policy of a long-lived session', () => {
  const policies = new Policies(settings);
  const own = { interval: 25_000, timeout: 10_000 };
  const limits = { comments: 20_000, idleTimeout: 1_000_000, maxAge: Number.POSITIVE_INFINITY };

  for (const [what, sections, policy] of [
    ['is the plugin own where no section says otherwise', {}, { downstream: own, upstream: own, ...limits }],
    [
      'has half of what the peers of a listener declare, on the leg towards them, for comments too',
      { listener: { peerIdleTimeout: 30_000 } },
      { downstream: { interval: 15_000, timeout: 10_000 }, upstream: own, ...limits, comments: 15_000 },
    ],
    [
      'never takes an interval that is longer than half of what is declared',
      { cluster: { peerIdleTimeout: 30_000, interval: 30_000, timeout: 1_000 } },
      { downstream: own, upstream: { interval: 15_000, timeout: 1_000 }, ...limits },
    ],
    [
      'takes one that is shorter, and one that is given alone',
      { listener: { interval: 60_000 }, cluster: { peerIdleTimeout: 60_000, interval: 5_000 } },
      {
        downstream: { interval: 60_000, timeout: 10_000 },
        upstream: { interval: 5_000, timeout: 10_000 },
        ...limits,
        comments: 60_000,
      },
    ],
    [
      'has the ends of its route before those of its listener',
      { listener: { idleTimeout: 1, maxAge: 2 }, route: { maxAge: 3 } },
      { downstream: own, upstream: own, ...limits, idleTimeout: 1, maxAge: 3 },
    ],
  ] as const) {
    it(what, () => expect(policies.of(session(sections))).to.deep.equal(policy));
  }

  it('is one object for all sessions whose settings say the same', () => {
    expect(policies.of(session({ route: { maxAge: 7 } }))).to.equal(policies.of(session({ listener: { maxAge: 7 } })));
  });
});
