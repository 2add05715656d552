import { expect } from 'chai';
import {
  type Balancer,
  BalancerFactory,
  ClusterRegistry,
  type ClusterSpec,
  Composition,
  Connector,
  Discovery,
  type Endpoint,
  EndpointRecord,
  type EndpointSpec,
  EndpointWeight,
  PluginError,
  stickTo,
} from '../src/index.ts';
import { collectingLogger, composed, type LogLine, servicesStandIn, sessionStandIn, thrownBy } from './stand-ins.ts';

/** A discovery in the test's hands. */
class Told implements Discovery {
  readonly name = 'told';
  readonly watches: {
    readonly spec: unknown;
    readonly report: (...addresses: (string | EndpointSpec)[]) => void;
    readonly fail: (message: string) => void;
    disposed: boolean;
  }[] = [];

  watch(
    spec: unknown,
    onChange: (endpoints: readonly EndpointSpec[]) => void,
    failed: (error: Error) => void,
  ): Disposable {
    if (spec === 'broken') throw new Error('broken spec');
    const watch = {
      spec,
      report: (...endpoints: (string | EndpointSpec)[]) =>
        onChange(endpoints.map((one) => (typeof one === 'string' ? { address: one } : one))),
      fail: (message: string) => failed(new Error(message)),
      disposed: false,
    };
    this.watches.push(watch);
    if (Array.isArray(spec)) watch.report(...(spec as string[]));
    return {
      [Symbol.dispose]: () => {
        watch.disposed = true;
      },
    };
  }
}

/** Picks the first one, and shows what it was given. */
class First implements Balancer {
  readonly settings: unknown;
  given: readonly string[] = [];
  updates = 0;
  picks = 0;
  readonly observed: unknown[] = [];
  #endpoints: readonly Endpoint[] = [];

  constructor(settings: unknown) {
    this.settings = settings;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.given = endpoints.map(({ address, weight }) => `${address}*${weight}`);
    this.updates++;
  }

  pick(_session: unknown, tried: readonly Endpoint[]): Endpoint | undefined {
    this.picks++;
    return this.#endpoints.find((endpoint) => !tried.includes(endpoint));
  }

  observe(...sample: unknown[]): void {
    this.observed.push(sample);
  }
}

function setUp(weights: readonly EndpointWeight[] = []) {
  const logs: LogLine[] = [];
  const logger = collectingLogger(logs);
  const told = new Told();
  const balancers: First[] = [];
  const create = (settings: unknown) => {
    if ((settings as { bad?: boolean }).bad) throw new Error('bad settings');
    const first = new First(settings);
    balancers.push(first);
    return first;
  };
  const compose = (discovery: Discovery = told) =>
    new Composition(
      [
        composed({
          name: 'parts',
          bind(bind) {
            bind(Discovery).toConstantValue(discovery);
            bind(BalancerFactory).toConstantValue({ policy: 'first', create });
            bind(Connector).toConstantValue({ name: 'other' } as Connector);
            for (const weight of weights) bind(EndpointWeight).toConstantValue(weight);
          },
        }),
      ],
      servicesStandIn({ logger }),
    );
  const registry = new ClusterRegistry(logger);
  return { registry, compose, composition: compose(), told, balancers, logs };
}

const spec = (name: string, endpoints: unknown, more: Partial<ClusterSpec> = {}): ClusterSpec => ({
  name,
  balancer: { policy: 'first', settings: {} },
  discovery: { name: 'told', spec: endpoints },
  settings: {},
  ...more,
});
const addresses = (cluster: { endpoints: readonly Endpoint[] } | undefined) =>
  cluster!.endpoints.map(({ address }) => address);

describe('a cluster', () => {
  it('has the endpoints that its discovery reports, and asks its balancer', () => {
    const { registry, composition, balancers } = setUp();
    registry.apply(
      [spec('app', ['a:1', 'b:1'], { balancer: { policy: 'first', settings: { hash: 'x' } } })],
      composition,
    );
    const app = registry.get('app')!;
    const [a, b] = app.endpoints;
    expect(addresses(app)).to.deep.equal(['a:1', 'b:1']);
    expect(balancers[0]!.settings).to.deep.equal({ hash: 'x' });
    expect(app.pick(sessionStandIn(), [])).to.equal(a);
    expect(app.pick(sessionStandIn(), [a!])).to.equal(b);
    app.observe(a!, { kind: 'head', ms: 3 });
    expect(balancers[0]!.observed).to.deep.equal([[a, { kind: 'head', ms: 3 }]]);
    expect([...registry].map(({ name }) => name)).to.deep.equal(['app']);
  });

  it('keeps an endpoint, with its counts, for as long as its address is listed', () => {
    const { registry, composition, told } = setUp();
    registry.apply([spec('app', ['a:1', 'b:1'])], composition);
    const app = registry.get('app')!;
    const a = app.endpoints[0] as EndpointRecord;
    const b = app.endpoints[1] as EndpointRecord;
    expect(a).to.be.instanceOf(EndpointRecord);
    a.requests = 3;
    a.streams = 2;
    told.watches[0]!.report('c:1', { address: 'a:1', weight: 7, metadata: { zone: 'z' }, resolved: ['10.0.0.1'] });
    expect(addresses(app)).to.deep.equal(['c:1', 'a:1']);
    expect(app.endpoints[1]).to.equal(a);
    expect(a).to.deep.include({ requests: 3, streams: 2, weight: 7, metadata: { zone: 'z' }, resolved: ['10.0.0.1'] });
    told.watches[0]!.report('b:1');
    expect(app.endpoints[0]).not.to.equal(b);
    expect(app.endpoints[0]).to.deep.include({ address: 'b:1', requests: 0, streams: 0, weight: 1 });
  });

  it('has an endpoint that comes back while sessions are still open there count them', () => {
    const { registry, composition, told, balancers } = setUp();
    registry.apply([spec('app', ['a:1', 'b:1'])], composition);
    const app = registry.get('app')!;
    const [a, b] = app.endpoints as EndpointRecord[];
    a!.streams = 2;
    told.watches[0]!.report();
    expect(balancers[0]!.given).to.deep.equal([]);
    told.watches[0]!.report('b:1');
    expect(app.endpoints[0]).to.not.equal(b);
    told.watches[0]!.report('b:1', 'a:1');
    expect(app.endpoints[1]).to.equal(a);
    told.watches[0]!.report('b:1');
    a!.streams = 0;
    told.watches[0]!.report('b:1');
    told.watches[0]!.report('a:1');
    expect(app.endpoints[0]).to.not.equal(a);
  });

  it('gives a session the endpoint that it sticks to, where that may be picked and was not tried', () => {
    let out = '';
    const { registry, composition, told } = setUp([
      { factor: ({ address }) => (address === out ? 0 : 1), onChange: () => {} },
    ]);
    registry.apply([spec('app', ['a:1', 'b:1', 'c:1'])], composition);
    const app = registry.get('app')!;
    const [a, b] = app.endpoints;
    const session = sessionStandIn();
    expect(app.pick(session, [])).to.equal(a);
    session.setState(stickTo, 'b:1');
    expect(app.pick(session, [])).to.equal(b);
    expect(app.pick(session, [b!])).to.equal(a);
    out = 'b:1';
    registry.weightChanged(b!);
    expect(app.pick(session, [])).to.equal(a);
    out = '';
    registry.weightChanged(b!);
    expect(app.pick(session, [])).to.equal(b);
    told.watches[0]!.report('a:1', 'c:1');
    expect(app.pick(session, [])).to.equal(a);
  });

  it('takes an address that is listed twice for one endpoint', () => {
    const { registry, composition } = setUp();
    registry.apply([spec('app', ['a:1', 'a:1', 'b:1'])], composition);
    expect(addresses(registry.get('app'))).to.deep.equal(['a:1', 'b:1']);
  });

  it('is reached by tls where its settings say so', () => {
    const { registry, composition } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    expect(registry.get('app')!.connector).to.equal('tcp');
    const error = thrownBy(() => registry.apply([spec('cart', ['a:1'], { settings: { tls: {} } })], composition));
    expect(error).to.be.instanceOf(PluginError);
    expect(error.message).to.equal('cluster cart: no plugin provides TLS, which its tls: needs; load the https plugin');
  });

  it('tells of a failing discovery once, until it works again', () => {
    const { registry, composition, told, logs } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    told.watches[0]!.fail('no answer');
    told.watches[0]!.fail('no answer');
    expect(logs).to.deep.equal([
      {
        level: 'warn',
        message: 'discovery failed; the last good endpoints stay',
        cluster: 'app',
        endpoints: 1,
        error: 'no answer',
      },
    ]);
    expect(addresses(registry.get('app'))).to.deep.equal(['a:1']);
    told.watches[0]!.report('a:1');
    told.watches[0]!.fail('no answer');
    expect(logs.slice(1).map(({ message }) => message)).to.deep.equal([
      'discovery works again',
      'discovery failed; the last good endpoints stay',
    ]);
  });
});

describe('endpoints that are full', () => {
  function many(taken: (endpoint: Endpoint) => boolean) {
    const full = () => taken;
    const { registry, composition, balancers } = setUp([{ factor: () => 1, onChange() {}, full }]);
    const list = Array.from({ length: 1_000 }, (_, i) => `e${i}:1`);
    registry.apply([spec('app', list)], composition);
    return { app: registry.get('app')!, balancer: balancers[0]! };
  }

  it('are passed over, and those that were tried', () => {
    const { app } = many(({ address }) => address === 'e0:1' || address === 'e2:1');
    expect(app.pick(sessionStandIn(), [app.endpoints[1]!])!.address).to.equal('e3:1');
  });

  it('are passed over without the balancer where they are many', () => {
    const free = new Set(['e5:1', 'e500:1', 'e990:1']);
    const { app, balancer } = many(({ address }) => !free.has(address));
    const tried = [app.endpoints[5]!, app.endpoints[500]!];
    expect(app.pick(sessionStandIn(), tried)!.address).to.equal('e990:1');
    expect(balancer.picks).to.be.below(10);
    // The last choice of the balancer was e8.
    expect(app.pick(sessionStandIn(), [app.endpoints[500]!, app.endpoints[990]!])!.address).to.equal('e5:1');
  });

  it('leave nothing to pick where they are all', () => {
    const { app, balancer } = many(() => true);
    expect(app.pick(sessionStandIn(), [])).to.equal(undefined);
    expect(balancer.picks).to.be.below(10);
  });
});

describe('weights of endpoints', () => {
  const factors = (table: Record<string, number>): EndpointWeight => ({
    factor: ({ address }) => table[address] ?? 1,
    onChange() {},
  });

  it('are as configured where no plugin changes them', () => {
    const { registry, composition, balancers } = setUp();
    registry.apply([spec('app', [{ address: 'a:1', weight: 3 }, 'b:1'])], composition);
    expect(balancers[0]!.given).to.deep.equal(['a:1*3', 'b:1*1']);
  });

  it('are multiplied by every factor, and 0 is out', () => {
    const health: Record<string, number> = { 'b:1': 0 };
    const { registry, composition, balancers } = setUp([
      factors(health),
      factors({ 'a:1': 0.5 }),
      factors({ 'a:1': 0.5 }),
    ]);
    registry.apply([spec('app', [{ address: 'a:1', weight: 4 }, { address: 'b:1', weight: 2 }, 'c:1'])], composition);
    expect(balancers[0]!.given).to.deep.equal(['a:1*1', 'c:1*1']);
    expect(registry.get('app')!.endpoints.map(({ weight }) => weight)).to.deep.equal([1, 2, 1]);

    health['b:1'] = 1;
    health['c:1'] = 0;
    registry.weightChanged(registry.get('app')!.endpoints[1]!);
    expect(balancers[0]!.given).to.deep.equal(['a:1*1', 'b:1*2']);
  });

  it('do not bother other clusters', () => {
    const { registry, composition, balancers } = setUp([factors({})]);
    registry.apply([spec('app', ['a:1']), spec('cart', ['a:1'])], composition);
    const before = balancers.map(({ updates }) => updates);
    registry.weightChanged(registry.get('app')!.endpoints[0]!);
    registry.weightChanged(new EndpointRecord({ address: 'stranger:1' }));
    expect(balancers.map(({ updates }, i) => updates - before[i]!)).to.deep.equal([1, 0]);
  });
});

describe('a change of the clusters', () => {
  it('leaves what stays alone', () => {
    const { registry, composition, told, balancers } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    const app = registry.get('app');
    registry.apply([spec('app', ['a:1'], { settings: { limits: 3 } }), spec('cart', ['b:1'])], composition);
    expect(registry.get('app')).to.equal(app);
    expect(app!.settings).to.deep.equal({ limits: 3 });
    expect([told.watches.length, balancers.length]).to.deep.equal([2, 2]);
  });

  it('makes a changed balancer or discovery anew, alone', () => {
    const { registry, composition, told, balancers } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    const [a] = registry.get('app')!.endpoints;
    registry.apply([spec('app', ['a:1'], { balancer: { policy: 'first', settings: { hash: 'y' } } })], composition);
    expect([told.watches.length, balancers.length]).to.deep.equal([1, 2]);
    expect(balancers[1]!.given).to.deep.equal(['a:1*1']);

    registry.apply(
      [spec('app', ['b:1', 'a:1'], { balancer: { policy: 'first', settings: { hash: 'y' } } })],
      composition,
    );
    expect([told.watches.length, balancers.length]).to.deep.equal([2, 2]);
    expect(told.watches[0]!.disposed).to.equal(true);
    expect(addresses(registry.get('app'))).to.deep.equal(['b:1', 'a:1']);
    expect(registry.get('app')!.endpoints[1]).to.equal(a);
    told.watches[0]!.report('late:1');
    expect(addresses(registry.get('app'))).to.deep.equal(['b:1', 'a:1']);
  });

  it('keeps the endpoints until a new discovery has reported', () => {
    const { registry, composition, told } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    registry.apply([spec('app', { dns: 'slow' })], composition);
    expect(addresses(registry.get('app'))).to.deep.equal(['a:1']);
    told.watches[1]!.report('b:1');
    expect(addresses(registry.get('app'))).to.deep.equal(['b:1']);
  });

  it('makes all anew where the plugins are others, and keeps the endpoints', () => {
    const { registry, composition, compose, told, balancers } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    const [a] = registry.get('app')!.endpoints;
    const other = new Told();
    registry.apply([spec('app', ['a:1'])], compose(other));
    expect([told.watches[0]!.disposed, other.watches.length, balancers.length]).to.deep.equal([true, 1, 2]);
    expect(registry.get('app')!.endpoints[0]).to.equal(a);
  });

  it('ends those that are gone when it is told that nobody uses them, and revives those that come back before', () => {
    const { registry, composition, told } = setUp();
    registry.apply([spec('app', ['a:1']), spec('cart', ['b:1'])], composition);
    const cart = registry.get('cart')!;
    registry.apply([spec('app', ['a:1'])], composition);
    expect(registry.get('cart')).to.equal(undefined);
    told.watches[1]!.report('b:2');
    expect(cart.pick(sessionStandIn(), [])!.address).to.equal('b:2');
    registry.apply([spec('app', ['a:1']), spec('cart', ['b:1'])], composition);
    expect(registry.get('cart')).to.equal(cart);
    registry.disposeGone();
    expect(told.watches[1]!.disposed).to.equal(false);
    registry.apply([spec('app', ['a:1'])], composition);
    registry.disposeGone();
    expect(told.watches.map(({ disposed }) => disposed)).to.deep.equal([false, true]);
    registry.dispose();
    expect(told.watches.map(({ disposed }) => disposed)).to.deep.equal([true, true]);
  });

  it('changes nothing where a part of it cannot be made', () => {
    const { registry, composition, told, balancers } = setUp();
    registry.apply([spec('app', ['a:1'])], composition);
    const fails = (message: string, ...broken: ClusterSpec[]) => {
      const error = thrownBy(() => registry.apply([spec('app', ['changed:1']), ...broken], composition));
      expect(error.message).to.equal(message);
      expect(addresses(registry.get('app'))).to.deep.equal(['a:1']);
      expect([...registry].map(({ name }) => name)).to.deep.equal(['app']);
      expect(told.watches.map(({ disposed }) => disposed)).to.deep.equal([
        false,
        ...told.watches.slice(1).map(() => true),
      ]);
      return error;
    };
    const policy = (name: string, settings = {}) => spec('cart', ['b:1'], { balancer: { policy: name, settings } });
    expect(
      fails('cluster cart: no plugin provides the balancing policy "frist"; did you mean "first"?', policy('frist')),
    ).to.be.instanceOf(PluginError);
    fails('cluster cart: no plugin provides the balancing policy "maglev"; there are first', policy('maglev'));
    fails(
      'cluster cart: no plugin provides the discovery "kubernetes"; there are told',
      spec('cart', 0, { discovery: { name: 'kubernetes', spec: 0 } }),
    );
    fails('cluster cart: bad settings', policy('first', { bad: true }));
    fails('cluster cart: broken spec', spec('cart', 'broken'));
    expect(told.watches.length).to.be.greaterThan(1);
    expect(balancers[0]!.given).to.deep.equal(['a:1*1']);
  });
});
