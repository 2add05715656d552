import {
  type Attempt,
  type Cause,
  type Cluster,
  type Connector,
  type ConnectSink,
  type Endpoint,
  noMetrics,
  type Outcome,
  type Session,
  VirtualClock,
} from '@outrigger/core';
import { expect } from 'chai';
import { Health } from '../src/health.ts';
import { slowStartFactor } from '../src/slow-start.ts';

const OUTLIER = {
  connects: 3,
  consecutive: 5,
  gateway: 0,
  handshakes: 5,
  closes: 3,
  interval: 10_000,
  ejection: 30_000,
  maxEjection: 300_000,
  maxEjected: 0.1,
  successRate: { endpoints: 5, requests: 100, factor: 1.9 },
};
const HEALTH = { tcp: {}, interval: 2_000, timeout: 1_000, rise: 2, fall: 3, jitter: 0 };
const SLOW = { window: 10_000, aggression: 1, minWeight: 0.1 };

const endpoint = (address: string): Endpoint => ({ address, weight: 1, metadata: {}, requests: 0, streams: 0 });

/** One cluster, a clock that the test moves, and connects that it answers. */
function setUp(addresses: string, settings: Record<string, unknown>) {
  const clock = new VirtualClock();
  const cluster = {
    name: 'app',
    connector: 'tcp',
    endpoints: addresses.split(' ').map(endpoint),
    settings,
  } as unknown as { -readonly [K in keyof Cluster]: Cluster[K] };
  const accepts = new Set(addresses.split(' '));
  const connects: { readonly address: string; readonly at: number }[] = [];
  const connector = {
    name: 'tcp',
    connect({ address }: Endpoint, _cluster: Cluster, sink: ConnectSink) {
      connects.push({ address, at: clock.now() });
      // The next tick of the virtual clock.
      clock.after(1, () => (accepts.has(address) ? sink.connected() : sink.error(new Error('refused'))));
      clock.after(1, () => sink.closed());
      return { destroy() {}, write: () => true };
    },
  } as unknown as Connector;
  const logs: { readonly message: string; readonly endpoint: string; readonly why: string }[] = [];
  const log = (message: string, fields: object) => void logs.push({ message, ...fields } as never);
  const health = new Health({
    clock,
    logger: { info: log, warn: log } as never,
    metrics: noMetrics,
    sidecar: { clusterStates: () => [cluster] } as never,
    connectors: [connector],
    random: () => 0.5,
  });
  const changes: string[] = [];
  health.onChange(({ address }) => changes.push(address));
  const factors = () => cluster.endpoints.map((one) => Math.round(health.factor(one, cluster) * 1_000) / 1_000);
  factors();
  health.start();
  const at = (address: string) => cluster.endpoints.find((one) => one.address === address)!;
  const session = (kind: 'http' | 'websocket', attempt: Partial<Attempt>) =>
    ({ kind, cluster, attempts: [attempt] }) as unknown as Session;
  return {
    clock,
    cluster,
    accepts,
    connects,
    logs,
    changes,
    factors,
    health,
    state: (address: string) => (health.details.endpoint!(at(address)) as { health: Record<string, unknown> }).health,
    answer(address: string, told: number | Cause, kind: 'http' | 'websocket' = 'http', reused = false) {
      const attempt = {
        endpoint: at(address),
        reused,
        ...(typeof told === 'number' ? { status: told } : { failure: { cause: told } }),
      } as Attempt;
      health.hooks.onAttemptEnd!(session(kind, attempt), attempt);
    },
    closed(address: string, outcome: Partial<Outcome>, kind: 'http' | 'websocket' = 'websocket') {
      health.hooks.onSessionEnd!(session(kind, { endpoint: at(address) }), { status: 101, ...outcome } as Outcome);
    },
  };
}

describe('slow start', () => {
  const table: readonly [ms: number, aggression: number, factor: number][] = [
    [0, 1, 0.1],
    [500, 1, 0.1],
    [5_000, 1, 0.5],
    [9_000, 1, 0.9],
    [10_000, 1, 1],
    [20_000, 1, 1],
    [2_500, 2, 0.5],
    [5_000, 0.5, 0.25],
  ];
  for (const [ms, aggression, factor] of table)
    it(`counts ${factor} of the weight after ${ms} of 10,000 ms with aggression ${aggression}`, () => {
      expect(slowStartFactor({ ...SLOW, aggression }, ms)).to.be.closeTo(factor, 1e-9);
    });

  it('is for who arrives, not for who was there at the start, and its steps are told', () => {
    const { clock, cluster, factors, changes } = setUp('a b', { slowStart: SLOW });
    expect(factors()).to.deep.equal([1, 1]);
    cluster.endpoints = [...cluster.endpoints, endpoint('c')];
    expect(factors()).to.deep.equal([1, 1, 0.1]);
    clock.advance(5_000);
    expect(factors()).to.deep.equal([1, 1, 0.5]);
    expect(new Set(changes)).to.deep.equal(new Set(['c']));
    clock.advance(6_000);
    expect(factors()).to.deep.equal([1, 1, 1]);
    const told = changes.length;
    clock.advance(60_000);
    expect(changes.length).to.equal(told);
  });

  it('is for who recovers', () => {
    const { clock, factors, answer } = setUp('a b', { slowStart: SLOW, outlier: OUTLIER });
    for (let i = 0; i < 5; i++) answer('a', 500);
    clock.advance(30_100);
    expect(factors()[0]).to.be.closeTo(0.1, 0.02);
    clock.advance(5_000);
    expect(factors()[0]).to.be.closeTo(0.5, 0.02);
  });
});

describe('active checks', () => {
  it('take an endpoint out after fall failures, and in after rise passes, faster while undecided', () => {
    const { clock, accepts, factors, logs, state, connects, changes } = setUp('a b', { health: HEALTH });
    clock.advance(10_000);
    expect(factors()).to.deep.equal([1, 1]);
    expect(logs).to.deep.equal([]);
    accepts.delete('b');
    const before = connects.length;
    clock.advance(4_000);
    expect(factors()).to.deep.equal([1, 0]);
    expect(logs).to.deep.equal([
      { message: 'an endpoint is out', cluster: 'app', endpoint: 'b', why: 'check: refused' },
    ]);
    expect(state('b')).to.include({ state: 'out', why: 'check: refused', check: 'refused' });
    const failed = connects.slice(before).filter(({ address }) => address === 'b');
    expect(failed[2]!.at - failed[0]!.at, 'three checks').to.be.below(HEALTH.interval);
    accepts.add('b');
    clock.advance(4_000);
    expect(factors()).to.deep.equal([1, 1]);
    expect(logs.at(-1)).to.include({ message: 'an endpoint is in again', endpoint: 'b' });
    expect(changes).to.deep.equal(['b', 'b']);
  });

  it('do not flap: fewer failures in a row than fall change nothing', () => {
    const { clock, accepts, connects, factors, logs } = setUp('a', { health: HEALTH });
    clock.advance(10_000);
    accepts.delete('a');
    const { length } = connects;
    while (connects.length < length + 2) clock.advance(100);
    clock.advance(100);
    accepts.add('a');
    clock.advance(20_000);
    expect(factors()).to.deep.equal([1]);
    expect(logs).to.deep.equal([]);
  });

  it('believe in who was never checked', () => {
    expect(setUp('a', { health: HEALTH }).factors()).to.deep.equal([1]);
  });

  it('keep what they know where a reload changes them', () => {
    const { clock, cluster, accepts, factors, logs } = setUp('a b', { health: HEALTH });
    accepts.delete('b');
    clock.advance(10_000);
    expect(factors()).to.deep.equal([1, 0]);
    const { length } = logs;
    cluster.settings = { health: { ...HEALTH, interval: 1_000 } };
    clock.advance(10_000);
    expect(factors()).to.deep.equal([1, 0]);
    expect(logs.length).to.equal(length);
    accepts.add('b');
    clock.advance(3_000);
    expect(factors()).to.deep.equal([1, 1]);
  });

  it('end with the section, and the endpoint is whole', () => {
    const { clock, cluster, accepts, factors, connects } = setUp('a', { health: HEALTH });
    accepts.delete('a');
    clock.advance(10_000);
    expect(factors()).to.deep.equal([0]);
    cluster.settings = {};
    clock.advance(1_000);
    expect(factors()).to.deep.equal([1]);
    const { length } = connects;
    clock.advance(20_000);
    expect(connects.length).to.equal(length);
  });

  it('end with the plugin, and with their endpoint', () => {
    const { clock, cluster, connects, health } = setUp('a b', { health: HEALTH });
    clock.advance(5_000);
    cluster.endpoints = cluster.endpoints.slice(0, 1);
    clock.advance(1_000);
    const { length } = connects;
    clock.advance(10_000);
    expect(connects.slice(length).map(({ address }) => address)).to.not.include('b');
    health.stop();
    const stopped = connects.length;
    clock.advance(20_000);
    expect(connects.length).to.equal(stopped);
  });
});

describe('outlier ejection', () => {
  const five = (told: number | Cause) => Array.from({ length: 5 }, () => told);
  const table: readonly [
    name: string,
    kind: 'http' | 'websocket',
    answers: readonly (number | Cause)[],
    why: string | undefined,
  ][] = [
    ['five answers with 500', 'http', five(500), 'ejected: consecutive'],
    ['three refused connects', 'http', ['connect-refused', 'connect-timeout', 'connect-failed'], 'ejected: connects'],
    [
      'two refused connects, and one that is not',
      'http',
      ['connect-refused', 'connect-refused', 200, 'connect-refused'],
      undefined,
    ],
    ['five responses that do not come', 'http', five('upstream-response-timeout'), 'ejected: consecutive'],
    ['four failures', 'http', [500, 500, 500, 500], undefined],
    ['failures with a success between', 'http', [500, 500, 500, 200, 500, 500, 500], undefined],
    ['answers with 404', 'http', five(404), undefined],
    ['clients that give up', 'http', five('downstream-closed'), undefined],
    ['handshakes that fail', 'websocket', five('upstream-handshake'), 'ejected: consecutive'],
    ['handshakes that are refused by 403', 'websocket', five(403), undefined],
    ['handshakes that succeed', 'websocket', five(101), undefined],
  ];
  for (const [name, kind, answers, why] of table)
    it(`${why === undefined ? 'does not come from' : 'comes from'} ${name}`, () => {
      const { answer, state, factors } = setUp('a b c', { outlier: OUTLIER });
      for (const told of answers) answer('a', told, kind);
      expect(state('a')['why']).to.equal(why);
      expect(factors()).to.deep.equal([why === undefined ? 1 : 0, 1, 1]);
    });

  const closes: readonly [name: string, outcome: Partial<Outcome>, ejects: boolean][] = [
    ['the endpoint goes without a Close (1006)', { cause: 'upstream-closed', initiator: 'upstream' }, true],
    ['it closes with 1011', { cause: 'complete', initiator: 'upstream', closeCodeSent: 1011 }, true],
    ['it closes with 1013', { cause: 'complete', initiator: 'upstream', closeCodeSent: 1013 }, true],
    [
      'it breaks the protocol',
      { cause: 'upstream-websocket-protocol', initiator: 'upstream', closeCodeSent: 1002 },
      true,
    ],
    ['it does not answer a ping', { cause: 'upstream-pong-timeout' as Cause, initiator: 'upstream' }, true],
    ['it closes with 1000', { cause: 'complete', initiator: 'upstream', closeCodeSent: 1000 }, false],
    ['it closes with 1001', { cause: 'complete', initiator: 'upstream', closeCodeSent: 1001 }, false],
    ['the client closes with 1011', { cause: 'complete', initiator: 'downstream', closeCodeSent: 1011 }, false],
    ['the client goes', { cause: 'downstream-closed', initiator: 'downstream' }, false],
    ['we drain', { cause: 'drain', initiator: 'sidecar', closeCodeSent: 1001 }, false],
  ];
  for (const [name, outcome, ejects] of closes)
    it(`${ejects ? 'counts' : 'does not count'} a WebSocket where ${name}`, () => {
      const { closed, state } = setUp('a b', { outlier: OUTLIER });
      for (let i = 0; i < 3; i++) closed('a', outcome);
      expect(state('a')['why']).to.equal(ejects ? 'ejected: closes' : undefined);
    });

  it('tells gateway failures from other answers with 5xx', () => {
    const { answer, state } = setUp('a b', { outlier: { ...OUTLIER, consecutive: 0, gateway: 2 } });
    for (const status of [500, 501, 502, 500, 503]) answer('a', status);
    expect(state('a')['state']).to.equal('in');
    answer('a', 504);
    expect(state('a')['why']).to.equal('ejected: gateway');
  });

  it('lasts as many times longer as it has come, up to its cap, and is forgiven over time', () => {
    const { answer, clock, factors, logs } = setUp('a b', { outlier: { ...OUTLIER, maxEjection: 70_000 } });
    const outFor = () => {
      for (let i = 0; i < 5; i++) answer('a', 500);
      let ms = 0;
      for (; factors()[0] === 0; ms += 1_000) clock.advance(1_000);
      return Math.floor(ms / 10_000) * 10;
    };
    expect([outFor(), outFor(), outFor()]).to.deep.equal([30, 60, 70]);
    expect(logs[0]).to.include({ message: 'an endpoint is out', why: 'ejected: consecutive', times: 1 });
    expect(logs.at(-1)).to.include({ message: 'an endpoint is in again', why: 'its ejection is over' });
    clock.advance(60_000);
    expect(outFor()).to.equal(30);
  });

  it('takes a tenth at once, but one at least', () => {
    const names = Array.from({ length: 20 }, (_, i) => `e${i}`);
    const { answer, factors } = setUp(names.join(' '), { outlier: OUTLIER });
    for (const name of names) for (let i = 0; i < 9; i++) answer(name, 500);
    expect(factors().filter((factor) => factor === 0).length).to.equal(2);
  });

  it('never takes the last one that is in', () => {
    const { answer, factors } = setUp('a', { outlier: OUTLIER });
    for (let i = 0; i < 50; i++) answer('a', 500);
    expect(factors()).to.deep.equal([1]);
  });

  it('takes who succeeds far less often than the others', () => {
    const { answer, clock, factors, state } = setUp('a b c d e f', { outlier: { ...OUTLIER, consecutive: 0 } });
    for (let i = 0; i < 100; i++)
      for (const name of 'abcdef') answer(name, i % (name === 'c' ? 2 : 50) === 0 ? 500 : 200);
    clock.advance(11_000);
    expect(state('c')['why']).to.equal('ejected: success-rate');
    expect(factors()).to.deep.equal([1, 1, 0, 1, 1, 1]);
  });

  it('compares nobody where there is too little to compare', () => {
    const { answer, clock, factors } = setUp('a b c d e f', { outlier: { ...OUTLIER, consecutive: 0 } });
    for (let i = 0; i < 99; i++) for (const name of 'abcdef') answer(name, name === 'c' ? 500 : 200);
    clock.advance(11_000);
    expect(factors()).to.deep.equal([1, 1, 1, 1, 1, 1]);
  });

  it('for refused connects is not kept off by answers on connections that were open before', () => {
    const { answer, state } = setUp('a b', { outlier: OUTLIER });
    for (let i = 0; i < 3; i++) {
      answer('a', 'connect-refused');
      answer('a', 200, 'http', true);
    }
    expect(state('a')['why']).to.equal('ejected: connects');
  });

  it('for refused connects ends with the next check that passes', () => {
    const { answer, clock, factors, logs } = setUp('a b', { outlier: OUTLIER, health: HEALTH });
    clock.advance(3_000);
    for (let i = 0; i < 3; i++) answer('a', 'connect-refused');
    expect(factors()).to.deep.equal([0, 1]);
    clock.advance(2_200);
    expect(factors()).to.deep.equal([1, 1]);
    expect(logs.at(-1)).to.include({ message: 'an endpoint is in again', why: 'its checks pass' });
  });

  it('for its answers does not end with a check that passes', () => {
    const { answer, clock, factors } = setUp('a b', { outlier: OUTLIER, health: HEALTH });
    clock.advance(3_000);
    for (let i = 0; i < 5; i++) answer('a', 500);
    clock.advance(10_000);
    expect(factors()).to.deep.equal([0, 1]);
  });

  it('ends early where checks pass again', () => {
    const { answer, clock, accepts, factors } = setUp('a b', { outlier: OUTLIER, health: HEALTH });
    clock.advance(3_000);
    accepts.delete('a');
    for (let i = 0; i < 5; i++) answer('a', 'connect-refused');
    clock.advance(5_000);
    accepts.add('a');
    clock.advance(5_000);
    expect(factors()).to.deep.equal([1, 1]);
  });

  it('does nothing where the section is missing', () => {
    const { answer, factors } = setUp('a b', { slowStart: SLOW });
    for (let i = 0; i < 50; i++) answer('a', 500);
    expect(factors()).to.deep.equal([1, 1]);
  });
});

describe('panic', () => {
  const settings = { health: HEALTH, panicThreshold: 0.5 };
  const panics = ({ health, cluster }: ReturnType<typeof setUp>) =>
    (health.details.cluster!(cluster) as { panic: boolean }).panic;

  it('begins where less than the threshold is in, and ends where it is again; all are picked meanwhile', () => {
    const all = setUp('a b c d', settings);
    const { clock, accepts, factors, logs, state } = all;
    for (const name of ['a', 'b']) accepts.delete(name);
    clock.advance(10_000);
    expect(factors()).to.deep.equal([0, 0, 1, 1]);
    expect(panics(all)).to.equal(false);
    accepts.delete('c');
    clock.advance(5_000);
    expect(factors()).to.deep.equal([1, 1, 1, 1]);
    expect(panics(all)).to.equal(true);
    expect(state('a')['state']).to.equal('out');
    expect(logs.at(-1)).to.include({ message: 'too few endpoints are in: all are used', cluster: 'app', in: 1, of: 4 });
    accepts.add('c');
    clock.advance(5_000);
    expect(factors()).to.deep.equal([0, 0, 1, 1]);
    expect(logs.at(-1)).to.include({ message: 'enough endpoints are in again', in: 2, of: 4 });
    expect(panics(all)).to.equal(false);
  });

  it('begins and ends with the list', () => {
    const all = setUp('a b c', settings);
    const { clock, accepts, cluster, factors } = all;
    const list = cluster.endpoints;
    for (const name of ['a', 'b']) accepts.delete(name);
    clock.advance(10_000);
    expect(panics(all)).to.equal(true);
    cluster.endpoints = list.slice(1);
    expect(factors()).to.deep.equal([0, 1]);
    expect(panics(all)).to.equal(false);
  });

  it('tells the balancer when a reload changes the threshold', () => {
    const all = setUp('a b c', settings);
    const { clock, accepts, cluster, factors, changes } = all;
    for (const name of ['a', 'b']) accepts.delete(name);
    clock.advance(10_000);
    cluster.settings = { health: HEALTH, panicThreshold: 0 };
    const { length } = changes;
    clock.advance(1_100);
    expect(changes.length).to.be.above(length);
    expect(factors()).to.deep.equal([0, 0, 1]);
  });

  it('never begins with a threshold of 0', () => {
    const all = setUp('a', { ...settings, panicThreshold: 0 });
    all.accepts.delete('a');
    all.clock.advance(10_000);
    expect(all.factors()).to.deep.equal([0]);
    expect(panics(all)).to.equal(false);
  });
});
