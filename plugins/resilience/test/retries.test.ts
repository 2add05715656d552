import { type Cause, noMetrics, type Session } from '@outrigger/core';
import { expect } from 'chai';
import { limitHooks } from '../src/limits.ts';
import { Retries } from '../src/retries.ts';
import { attempted, clusterOf, sessionOf } from './stand-ins.ts';

const RETRY = {
  attempts: 2,
  on: ['connect-failure', 'reset', 'handshake', 503],
  methods: [],
  perTryTimeout: Number.POSITIVE_INFINITY,
  backoff: { base: 100, max: 250 },
  budget: 0.2,
  body: 65_536,
};
const make = () => new Retries(noMetrics, () => 1);

describe('retry', () => {
  const elsewhere = { delayMs: 0, sameEndpoint: false };
  const table: readonly [
    name: string,
    told: number | Cause,
    more: Record<string, unknown>,
    method: string,
    retried: boolean,
  ][] = [
    ['a refused connect', 'connect-refused', {}, 'GET', true],
    ['a refused connect of a POST', 'connect-refused', {}, 'POST', true],
    ['a connect that times out', 'connect-timeout', {}, 'GET', true],
    ['a reset', 'upstream-reset', {}, 'GET', true],
    ['a reset of a POST', 'upstream-reset', {}, 'POST', false],
    ['a reset of a POST that may be repeated', 'upstream-reset', { methods: ['POST'] }, 'POST', true],
    ['a response that does not come', 'upstream-response-timeout', {}, 'GET', false],
    ['one that does not come, with on: timeout', 'upstream-response-timeout', { on: ['timeout'] }, 'GET', true],
    ['an invalid handshake', 'upstream-handshake', {}, 'GET', true],
    ['a malformed response', 'upstream-malformed', {}, 'GET', false],
    ['a client that went', 'downstream-closed', {}, 'GET', false],
    ['503', 503, {}, 'GET', true],
    ['503 to a POST', 503, {}, 'POST', false],
    ['500', 500, {}, 'GET', false],
    ['500, with on: 5xx', 500, { on: ['5xx'] }, 'GET', true],
    ['500, with on: gateway-error', 500, { on: ['gateway-error'] }, 'GET', false],
    ['504, with on: gateway-error', 504, { on: ['gateway-error'] }, 'GET', true],
    ['429, with on: [429]', 429, { on: [429] }, 'GET', true],
    ['200', 200, {}, 'GET', false],
    ['101', 101, {}, 'GET', false],
    ['anything, with attempts: 0', 'connect-refused', { attempts: 0 }, 'GET', false],
  ];
  for (const [name, told, more, method, retried] of table)
    it(`${retried ? 'comes' : 'does not come'} after ${name}`, () => {
      const session = sessionOf({ cluster: clusterOf(3, { retry: { ...RETRY, ...more } }), method });
      expect(make().onFailure(session, attempted(session, told, 0))).to.deep.equal(retried ? elsewhere : undefined);
    });

  it('comes so often, waits before the second one, and asks the same endpoint where no other is left', () => {
    const session = sessionOf({ cluster: clusterOf(2, { retry: { ...RETRY, attempts: 4 } }) });
    const retries = make();
    const after = (at: number) => retries.onFailure(session, attempted(session, 'connect-refused', at));
    expect(after(0)).to.deep.equal(elsewhere);
    expect(after(1)).to.deep.equal({ delayMs: 200, sameEndpoint: true });
    expect(after(1)).to.deep.equal({ delayMs: 250, sameEndpoint: true });
    expect(after(1)).to.deep.equal({ delayMs: 250, sameEndpoint: true });
    expect(after(1)).to.equal(undefined);
  });

  it('prefers a response to asking the same endpoint again', () => {
    const session = sessionOf({ cluster: clusterOf(1, { retry: RETRY }) });
    expect(make().onFailure(session, attempted(session, 503, 0))).to.equal(undefined);
  });

  it('replaces a stale pooled connection, which is no attempt of its own', () => {
    const session = sessionOf({ cluster: clusterOf(3, { retry: { ...RETRY, attempts: 1 } }) });
    const retries = make();
    expect(retries.onFailure(session, attempted(session, 'upstream-reset', 0, true))).to.deep.equal({
      delayMs: 0,
      sameEndpoint: true,
    });
    expect(retries.onFailure(session, attempted(session, 'upstream-reset', 0))).to.deep.equal(elsewhere);
    expect(retries.onFailure(session, attempted(session, 'upstream-reset', 1))).to.equal(undefined);
  });

  it("is core's own without the section: failures only", () => {
    const session = sessionOf({ cluster: clusterOf(3, {}) });
    const retries = make();
    expect(retries.keepBody(session)).to.equal(0);
    expect(retries.attemptTimeout(session)).to.equal(Number.POSITIVE_INFINITY);
    expect(retries.onFailure(session, attempted(session, 503, 0))).to.equal(undefined);
    expect(retries.onFailure(session, attempted(session, 'connect-refused', 0))).to.deep.equal(elsewhere);
  });

  it('is counted with the section and without it; not a stale connection that is replaced, nor where nobody else is', () => {
    const counted = (settings: Record<string, unknown>, endpoints: number) => {
      const counts: string[] = [];
      const counter = () => ({ with: (...labels: string[]) => ({ add: () => void counts.push(labels.join()) }) });
      const retries = new Retries({ ...noMetrics, counter } as never, () => 1);
      const session = sessionOf({ cluster: clusterOf(endpoints, settings) });
      retries.onFailure(session, attempted(session, 'upstream-reset', 0, true));
      retries.onFailure(session, attempted(session, 'connect-refused', 0));
      return counts;
    };
    expect(counted({ retry: RETRY }, 2)).to.deep.equal(['app,retried']);
    expect(counted({}, 2)).to.deep.equal(['app,retried']);
    expect(counted({}, 1)).to.deep.equal([]);
  });

  describe('has a budget', () => {
    const fail = (retries: Retries, session: ReturnType<typeof sessionOf>) => {
      const attempt = attempted(session, 'upstream-reset', 0);
      const retry = retries.onFailure(session, attempt);
      retries.hooks.onAttemptEnd!(session, attempt);
      return retry !== undefined;
    };
    const open = (count: number, settings: Record<string, unknown>) => {
      const cluster = clusterOf(3, { retry: RETRY, ...settings });
      const hooks = limitHooks({} as never, noMetrics);
      return Array.from({ length: count }, () => {
        const session = sessionOf({ cluster });
        hooks.onRoute!(session);
        return session;
      });
    };

    it('of three at least', () => {
      const retries = make();
      expect(open(5, {}).map((session) => fail(retries, session))).to.deep.equal([true, true, true, false, false]);
    });

    it('that a failed connect does not take from, where another endpoint is left', () => {
      const retries = make();
      const sessions = open(20, {});
      for (const session of sessions)
        expect(retries.onFailure(session, attempted(session, 'connect-refused', 0))).to.deep.equal(elsewhere);
      // Resets are counted, those of the same sessions too.
      const reset = sessions.map((session) => retries.onFailure(session, attempted(session, 'upstream-reset', 1)));
      expect(reset.filter((retry) => retry !== undefined).length).to.equal(4);
    });

    it('of limits.retries at least', () => {
      const retries = make();
      const limits = { connections: 100, pending: 0, requests: 100, streams: 1, retries: 1, wait: 1 };
      expect(open(3, { limits }).map((session) => fail(retries, session))).to.deep.equal([true, false, false]);
    });

    it('of a fifth of the open sessions where that is more, and what is over is given back', () => {
      const retries = make();
      const sessions = open(50, {});
      expect(sessions.filter((session) => fail(retries, session)).length).to.equal(10);
      const retried = sessions.filter(({ attempts }) => attempts.length === 1).slice(0, 10);
      // Two succeed at their second attempt, one ends without.
      for (const session of retried.slice(0, 2))
        retries.hooks.onAttemptEnd!(session as Session, attempted(session, 200, 1));
      retries.hooks.onSessionEnd!(retried[2] as Session, {} as never);
      const again = sessions.slice(10).filter((session) => fail(retries, session));
      expect(again.length).to.equal(3);
    });
  });
});
