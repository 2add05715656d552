import { expect } from 'chai';
import { chainHooks, type HookChain } from '../src/hook-chain.ts';
import { chainForSession } from '../src/hook-timing.ts';
import { ignore } from '../src/hooks.ts';
import type { Metrics } from '../src/metrics.ts';
import { noMetrics } from '../src/metrics.ts';
import type { Session } from '../src/session.ts';
import { VirtualClock } from '../src/virtual-clock.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger, level: 'debug' as const };

describe('the time of hooks', () => {
  const session = {} as Session;
  let clock: VirtualClock;
  let recorded: [plugin: string, hook: string, seconds: number][];
  let metrics: Metrics;
  beforeEach(() => {
    clock = new VirtualClock();
    recorded = [];
    metrics = {
      ...noMetrics,
      histogram: () => ({
        with: (plugin, hook) => ({ record: (seconds) => void recorded.push([plugin!, hook!, seconds]) }),
      }),
    };
  });
  const chain = (hooks: object, kept = metrics): HookChain =>
    chainHooks([{ plugin: 'a', hooks, onError: 'closed', timeout: 10_000 }], { clock, logger, metrics: kept });

  it('is measured in the sessions of the sample, once in 101, and in no other', () => {
    const hooks = chain({ onRequest: () => clock.advance(200) });
    const chosen = Array.from({ length: 303 }, () => chainForSession(hooks));
    expect(chosen.filter((one) => one === hooks.timed)).to.have.length(3);
    expect(chosen.filter((one) => one === hooks)).to.have.length(300);
    for (const one of chosen) one.onRequest!(session);
    expect(recorded).to.deep.equal(new Array(3).fill(['a', 'onRequest', 0.2]));
  });

  it('is that of a hook that throws, too, whose failure is what it was', () => {
    const hooks = chain({
      onRequest: () => {
        clock.advance(100);
        throw new Error('no');
      },
    });
    expect(hooks.timed!.onRequest!(session)).to.deep.equal(hooks.onRequest!(session));
    expect(recorded).to.deep.equal([['a', 'onRequest', 0.1]]);
  });

  it('is up to the end of its promise, and the hook keeps its own this', async () => {
    const waited = Promise.withResolvers<undefined>();
    const hooks = chain({
      mine: waited.promise,
      onRoute(this: { mine: Promise<undefined> }) {
        return this.mine;
      },
    });
    const verdict = hooks.timed!.onRoute!(session);
    clock.advance(500);
    expect(recorded).to.deep.equal([]);
    waited.resolve(undefined);
    expect(await verdict).to.equal(undefined);
    expect(recorded).to.deep.equal([['a', 'onRoute', 0.5]]);
  });

  it('has no chain where nobody keeps metrics, or of hooks that come before a session', () => {
    expect(chain({ onRequest() {} }, noMetrics).timed).to.equal(null);
    const { timed } = chain({ onAccept: () => undefined, watchesMessages: () => true, onMessage: () => undefined });
    timed!.onAccept!({ family: 'ipv4', host: '::', port: 1 });
    expect(timed!.watchesMessages!(session)).to.equal(true);
    expect(recorded).to.deep.equal([]);
    expect(timed!.onRequest).to.equal(null);
  });

  it('is no longer that of a plugin which ignores the session', () => {
    const hooks = chain({ onRequest: () => ignore, onSessionEnd: () => clock.advance(100) });
    const timed = { hooks: hooks.timed! } as unknown as Session & { hooks: HookChain };
    timed.hooks.onRequest!(timed);
    expect(timed.hooks.onSessionEnd).to.equal(null);
    expect(recorded).to.deep.equal([['a', 'onRequest', 0]]);
  });
});
