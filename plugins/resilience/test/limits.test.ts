import { noMetrics, type Outcome, type Reject, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { limitHooks } from '../src/limits.ts';
import { clusterOf, sessionOf } from './stand-ins.ts';

const LIMITS = { connections: 2, pending: 1, requests: 10, streams: 3, retries: 3, wait: 5_000 };

function setUp(limits: object) {
  const clock = new VirtualClock();
  const hooks = limitHooks(clock, noMetrics);
  const cluster = clusterOf(1, { limits: { ...LIMITS, ...limits } });
  const begin = (kind: 'http' | 'websocket' = 'http') => {
    const session = sessionOf({ cluster, kind });
    return { session, verdict: hooks.onRoute!(session) as undefined | Reject | Promise<Reject | undefined> };
  };
  const end = ({ session }: ReturnType<typeof begin>) => {
    hooks.onSessionEnd!(session, {} as Outcome);
    session.abort();
  };
  return { clock, begin, end };
}

const refused = (limit: string) => ({
  kind: 'reject',
  status: 503,
  reason: `the cluster is at its limit of ${limit}`,
  headers: { 'retry-after': '1' },
});

describe('limits', () => {
  it('lets exchanges beyond connections wait, in their order', async () => {
    const { begin, end } = setUp({ pending: 2 });
    const [first, second] = [begin(), begin()];
    expect([first.verdict, second.verdict]).to.deep.equal([undefined, undefined]);
    const [third, fourth] = [begin(), begin()];
    const order: number[] = [];
    void Promise.resolve(third.verdict).then(() => order.push(3));
    void Promise.resolve(fourth.verdict).then(() => order.push(4));
    end(first);
    expect(await third.verdict).to.equal(undefined);
    end(second);
    expect(await fourth.verdict).to.equal(undefined);
    expect(order).to.deep.equal([3, 4]);
  });

  it('refuses with 503 and retry-after who would have to wait behind pending others', () => {
    const { begin } = setUp({});
    begin();
    begin();
    expect(begin().verdict).to.be.instanceOf(Promise);
    expect(begin().verdict).to.deep.equal(refused('pending'));
  });

  it('refuses who has waited too long', async () => {
    const { begin, clock } = setUp({});
    begin();
    begin();
    const { verdict } = begin();
    clock.advance(6_000);
    expect(await verdict).to.deep.equal(refused('connections'));
    expect(begin().verdict, 'its place is free').to.be.instanceOf(Promise);
  });

  it('gives no place to who went while it waited', async () => {
    const { begin, end } = setUp({});
    const first = begin();
    begin();
    const gone = begin();
    end(gone);
    expect(await gone.verdict).to.equal(undefined);
    end(first);
    expect(begin().verdict).to.equal(undefined);
    expect(begin().verdict).to.be.instanceOf(Promise);
  });

  it('counts those that wait among the requests', () => {
    const { begin } = setUp({ requests: 3, pending: 9 });
    begin();
    begin();
    begin();
    expect(begin().verdict).to.deep.equal(refused('requests'));
  });

  it('counts streams apart: they take nothing from requests, nor requests from them', () => {
    const { begin, end } = setUp({ connections: 1, pending: 0 });
    const streams = [begin('websocket'), begin('websocket'), begin('websocket')];
    expect(streams.map(({ verdict }) => verdict)).to.deep.equal([undefined, undefined, undefined]);
    expect(begin('websocket').verdict).to.deep.equal(refused('streams'));
    expect(begin().verdict).to.equal(undefined);
    end(streams[0]!);
    expect(begin('websocket').verdict).to.equal(undefined);
  });

  it('holds with 5,000 WebSockets and the usual 1,024 requests', () => {
    const { begin } = setUp({ connections: 1_024, pending: 1_024, requests: 1_024, streams: 65_536 });
    for (let i = 0; i < 5_000; i++) expect(begin('websocket').verdict).to.equal(undefined);
    expect(begin().verdict).to.equal(undefined);
  });

  it('does not ask anything of a cluster without the section', () => {
    const hooks = limitHooks(new VirtualClock(), noMetrics);
    const session = sessionOf({ cluster: clusterOf(1, {}) });
    expect(hooks.onRoute!(session)).to.equal(undefined);
  });
});
