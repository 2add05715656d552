import { expect } from 'chai';
import {
  AdminRoute,
  type Bind,
  Clock,
  type ClusterSpec,
  type ComposedPlugin,
  Composition,
  type Configuration,
  ConnectionHooks,
  Connector,
  Discovery,
  EndpointWeight,
  Lifecycle,
  type ListenerSpec,
  Logger,
  Metrics,
  noMetrics,
  type Plugin,
  PluginError,
  Protocol,
  RetryPolicy,
  RouterFactory,
  Sessions,
  Transport,
  VirtualClock,
} from '../src/index.ts';
import { composed, servicesStandIn, sessionStandIn, thrownBy } from './stand-ins.ts';

const services = servicesStandIn;
const plugin = (name: string, bind: (bind: Bind) => void): Plugin => ({ name, bind });
const compose = (...plugins: Plugin[]) =>
  new Composition(
    plugins.map((one) => composed(one)),
    services(),
  );

function failure(...plugins: Plugin[]): { plugin: string; message: string } {
  const error = thrownBy(() => compose(...plugins));
  expect(error).to.be.instanceOf(PluginError);
  return { plugin: (error as PluginError).plugin, message: error.message };
}

/** A listener, and the configuration that it is in. */
function listenerNamed(name: string, policy = 'round-robin'): [ListenerSpec, Configuration] {
  const listener = { name } as ListenerSpec;
  const clusters = [{ name: 'app', balancer: { policy, settings: {} } } as unknown as ClusterSpec];
  return [listener, { listeners: [listener], clusters } as unknown as Configuration];
}

describe('a composition', () => {
  it('of nothing has what core gives', () => {
    const given = services();
    const composition = new Composition([], given);
    expect(composition.get(Clock)).to.equal(given.clock);
    expect(composition.get(Logger)).to.equal(given.logger);
    expect(composition.get(Sessions)).to.equal(given.sessions);
    expect(composition.metrics).to.equal(noMetrics);
    expect([...composition.connectors.keys()]).to.deep.equal(['tcp']);
    expect(composition.routerFactory).to.equal(undefined);
    expect(composition.retryPolicy).to.equal(undefined);
    expect(composition.lifecycles).to.deep.equal([]);
    expect(composition.get(Symbol.for('acme.Unknown'))).to.equal(undefined);
  });

  it('knows whose each contribution is, in plugin order', () => {
    const [a1, a2, b1] = [{ init() {} }, { init() {} }, { init() {} }];
    const composition = compose(
      plugin('a', (bind) => {
        bind(Lifecycle).toConstantValue(a1!);
        bind(Lifecycle).toConstantValue(a2!);
      }),
      plugin('b', (bind) => void bind(Lifecycle).toResolvedValue(() => b1!)),
    );
    expect(composition.lifecycles).to.deep.equal([
      { plugin: 'a', value: a1 },
      { plugin: 'a', value: a2 },
      { plugin: 'b', value: b1 },
    ]);
  });

  it('gives plugins their settings, what they inject, and [] of what nobody provides', () => {
    const seen: unknown[] = [];
    const named = (name: string) => ({ name });
    const one: Plugin = {
      name: 'one',
      bind(bind, config) {
        seen.push(config);
        bind(Transport).toResolvedValue(
          (clock, logger, metrics, connectors, hooks, nobody) => {
            seen.push(clock instanceof VirtualClock, typeof logger.info, metrics, connectors.length, hooks, nobody);
            return named('tls') as Transport;
          },
          [
            Clock,
            Logger,
            Metrics,
            { serviceIdentifier: Connector, isMultiple: true },
            { serviceIdentifier: ConnectionHooks, isMultiple: true },
            { serviceIdentifier: RetryPolicy, optional: true },
          ] as never,
        );
      },
    };
    const composition = new Composition([composed(one, { settings: { header: 'x' } })], services());
    expect(seen).to.deep.equal([{ header: 'x' }, true, 'function', noMetrics, 1, [], undefined]);
    expect([...composition.transports.keys()]).to.deep.equal(['tls']);
  });

  it('lets two plugins meet through a token, once made', () => {
    let made = 0;
    const token = Symbol.for('acme.Store');
    const seen: unknown[] = [];
    const reader = (name: string) =>
      plugin(
        name,
        (bind) => void bind(AdminRoute).toResolvedValue((store: unknown) => void seen.push(store) as never, [token]),
      );
    compose(
      reader('a'),
      reader('b'),
      plugin('store', (bind) => void bind(token).toResolvedValue(() => ({ number: ++made }))),
    );
    expect(seen).to.deep.equal([{ number: 1 }, { number: 1 }]);
  });

  it('chains the hooks that a listener sees, and shares the chain among listeners that see the same', () => {
    const seen: string[] = [];
    const hooks = (name: string) =>
      plugin(name, (bind) => void bind(ConnectionHooks).toConstantValue({ onRequest: () => void seen.push(name) }));
    const composition = new Composition(
      [composed(hooks('a')), composed(hooks('b'), { listeners: ['edge'] }), composed(hooks('c'))],
      services(),
    );
    const inbound = composition.hooksFor(...listenerNamed('inbound'));
    expect(composition.hooksFor(...listenerNamed('outbound'))).to.equal(inbound);
    expect(composition.hooksFor(...listenerNamed('edge'))).not.to.equal(inbound);
    void inbound.onRequest!(sessionStandIn());
    expect(seen.splice(0).join('')).to.equal('ac');
    void composition.hooksFor(...listenerNamed('edge')).onRequest!(sessionStandIn());
    expect(seen.join('')).to.equal('abc');
  });

  it('leaves out the hooks that a configuration does not ask for, and asks for each listener anew', () => {
    const seen: string[] = [];
    const hooks = (name: string, wanted?: (listener: string, policy: string) => boolean) =>
      plugin(name, (bind) => {
        bind(ConnectionHooks).toConstantValue({
          ...(wanted && {
            wanted: ({ clusters }, listener) => wanted(listener.name, clusters[0]!.balancer.policy),
          }),
          onRequest: () => void seen.push(name),
        });
      });
    const composition = compose(
      hooks('always'),
      hooks('edge-only', (listener) => listener === 'edge'),
      hooks('random-only', (_listener, policy) => policy === 'random'),
    );
    const run = (listener: string, policy?: string) => {
      void composition.hooksFor(...listenerNamed(listener, policy)).onRequest!(sessionStandIn());
      return seen.splice(0).join();
    };
    expect(run('inbound')).to.equal('always');
    expect(run('edge')).to.equal('always,edge-only');
    expect(run('inbound', 'random')).to.equal('always,random-only');
    const alone = compose(hooks('edge-only', () => false));
    expect(alone.hooksFor(...listenerNamed('inbound')).onRequest).to.equal(null);
  });

  it('names the plugin whose hooks cannot say whether they are wanted', () => {
    const undecided = plugin('undecided', (bind) => {
      bind(ConnectionHooks).toConstantValue({
        wanted() {
          throw new Error('boom');
        },
      });
    });
    const error = thrownBy(() => compose(undecided).hooksFor(...listenerNamed('inbound')));
    expect(error).to.be.instanceOf(PluginError);
    expect(error.message).to.equal('plugin undecided failed to say whether listener inbound wants its hooks: boom');
  });

  it('gives each hook what its plugin says of errors', () => {
    const throwing = (name: string, onError: ComposedPlugin['onError']) =>
      composed(
        plugin(
          name,
          (bind) =>
            void bind(ConnectionHooks).toConstantValue({
              onRequest() {
                throw new Error('boom');
              },
            }),
        ),
        { onError },
      );
    const composition = new Composition([throwing('a', 'open'), throwing('b', 'closed')], services());
    expect(composition.hooksFor(...listenerNamed('inbound')).onRequest!(sessionStandIn())).to.deep.include({
      status: 500,
      plugin: 'b',
    });
  });
});

describe('a composition behind another', () => {
  const value = (name: string, made: string[], token: symbol, inject: readonly unknown[] = []): Plugin =>
    plugin(name, (bind) => {
      bind(token).toResolvedValue(
        (() => {
          made.push(name);
          return { name };
        }) as never,
        inject as never,
      );
    });
  const [store, reader, other] = ['Store', 'Reader', 'Other'].map((name) => Symbol.for(`acme.${name}`)) as [
    symbol,
    symbol,
    symbol,
  ];
  const setUp = () => {
    const made: string[] = [];
    const given = services();
    const entries = [
      value('store', made, store),
      value('reader', made, reader, [store, Metrics]),
      value('other', made, other, [{ serviceIdentifier: AdminRoute, isMultiple: true }]),
    ].map((one) => composed(one));
    const build = (list: readonly ComposedPlugin[], previous?: Composition) => {
      const composition = new Composition(list, given, previous);
      for (const token of [store, reader, other]) composition.get(token);
      return composition;
    };
    const first = build(entries);
    expect(made.splice(0)).to.have.members(['store', 'reader', 'other']);
    return { made, entries, build, first };
  };

  it('carries over what nothing has changed about, in plugin order', () => {
    const { made, entries, build, first } = setUp();
    const [a, b, c] = entries as [ComposedPlugin, ComposedPlugin, ComposedPlugin];
    const next = build([c, composed(value('new', made, Symbol.for('acme.New'))), a, { ...b, onError: 'open' }], first);
    expect(made).to.deep.equal([]);
    for (const token of [store, reader, other]) expect(next.get(token)).to.equal(first.get(token));
    expect(next.instances.map(({ name }) => name)).to.deep.equal(['other', 'new', 'store', 'reader']);
  });

  it('makes anew what injects something of a plugin that changed, and leaves the rest', () => {
    const { made, entries, build, first } = setUp();
    const [a, b, c] = entries as [ComposedPlugin, ComposedPlugin, ComposedPlugin];
    const next = build([{ ...a, settings: { x: 1 } }, b, c], first);
    expect(made.splice(0)).to.deep.equal(['store', 'reader']);
    expect(next.get(other)).to.equal(first.get(other));
  });

  it('makes anew what injects all of a kind, where one joins or goes', () => {
    const { made, entries, build, first } = setUp();
    const route = composed(plugin('route', (bind) => void bind(AdminRoute).toConstantValue({} as AdminRoute)));
    const second = build([...entries, route], first);
    expect(made.splice(0)).to.deep.equal(['other']);
    expect(second.get(store)).to.equal(first.get(store));
    build(entries, second);
    expect(made.splice(0)).to.deep.equal(['other']);
  });

  it('makes anew what depends on core’s own, where a plugin takes its place', () => {
    const { made, entries, build, first } = setUp();
    build([...entries, composed(plugin('metrics', (bind) => void bind(Metrics).toConstantValue(noMetrics)))], first);
    expect(made).to.deep.equal(['reader']);
  });

  it('carries over what looks things up by itself only where no plugin has changed', () => {
    const { made, entries, build } = setUp();
    const opaque = composed(
      plugin('opaque', (bind) => void bind(Symbol.for('acme.Opaque')).toDynamicValue(() => made.push('opaque'))),
    );
    const first = build([...entries, opaque]);
    first.get(Symbol.for('acme.Opaque'));
    made.length = 0;
    const get = (composition: Composition) => composition.get(Symbol.for('acme.Opaque'));
    get(build([...entries, { ...opaque, timeout: 1 }], first));
    expect(made.splice(0)).to.deep.equal([]);
    get(build([{ ...entries[0]!, settings: { x: 1 } }, ...entries.slice(1), opaque], first));
    expect(made).to.include('opaque');
  });

  it('tells which plugins a session may call, through others too', () => {
    const { entries } = setUp();
    const hooks = plugin('hooks', (bind) => void bind(ConnectionHooks).toResolvedValue(() => ({}), [reader] as never));
    const composition = new Composition([...entries, composed(hooks)], services());
    expect([...composition.onSessionsWay()].map(({ name }) => name)).to.deep.equal(['hooks', 'reader', 'store']);
  });
});

describe('a composition fails, and says whose fault it is, where', () => {
  const provide = (name: string, token: symbol, value: unknown) =>
    plugin(name, (bind) => void bind(token).toConstantValue(value));

  it('bind throws', () => {
    const throwing = plugin('a', () => {
      throw new Error('no licence');
    });
    expect(failure(throwing)).to.deep.equal({ plugin: 'a', message: 'plugin a failed in bind(): no licence' });
  });

  it('bind waits', () => {
    const waiting = plugin('a', (async () => {
      throw new Error('unheard');
    }) as never);
    expect(failure(waiting).message).to.equal(
      'plugin a has an asynchronous bind(); make it synchronous, and wait in the init() of a Lifecycle',
    );
  });

  it('bind is given what is no token', () => {
    expect(failure(plugin('a', (bind) => void bind(undefined as never))).message).to.equal(
      'plugin a failed in bind(): bind() was given undefined for a token',
    );
  });

  it('a contribution cannot be made', () => {
    const broken = plugin(
      'b',
      (bind) =>
        void bind(Lifecycle).toResolvedValue(() => {
          throw new Error('no disk');
        }),
    );
    const fine = plugin('a', (bind) => void bind(Lifecycle).toConstantValue({}));
    expect(failure(fine, broken)).to.deep.equal({
      plugin: 'b',
      message: 'plugin b failed to make its Lifecycle: no disk',
    });
    const dynamic = plugin(
      'b',
      (bind) =>
        void bind(Lifecycle).toDynamicValue(() => {
          throw new Error('no disk');
        }),
    );
    expect(failure(fine, dynamic)).to.deep.equal({
      plugin: 'b',
      message: 'plugin b failed to make its Lifecycle: no disk',
    });
  });

  it('the fault is one plugin further', () => {
    const token = Symbol.for('acme.Store');
    const user = plugin('user', (bind) => void bind(Lifecycle).toResolvedValue((_needed: unknown) => ({}), [token]));
    const store = plugin(
      'store',
      (bind) =>
        void bind(token).toResolvedValue(() => {
          throw new Error('no disk');
        }),
    );
    expect(failure(user, store)).to.deep.equal({
      plugin: 'store',
      message: 'plugin store failed to make its acme.Store: no disk',
    });
  });

  it('the fault is one plugin further, behind a factory that looks it up', () => {
    const token = Symbol.for('acme.Store');
    const user = plugin(
      'user',
      (bind) => void bind(Lifecycle).toDynamicValue((context) => context.get(token) as Lifecycle),
    );
    const store = plugin(
      'store',
      (bind) =>
        void bind(token).toDynamicValue(() => {
          throw new Error('no disk');
        }),
    );
    expect(failure(user, store)).to.deep.equal({
      plugin: 'store',
      message: 'plugin store failed to make its acme.Store: no disk',
    });
  });

  it('a contribution is made asynchronously', () => {
    const slow = plugin('a', (bind) => void bind(Lifecycle).toDynamicValue((async () => ({})) as never));
    expect(failure(slow).message).to.equal(
      'plugin a makes its Lifecycle asynchronously; make it at once, and wait in the init() of a Lifecycle',
    );
  });

  it('nobody provides what is needed', () => {
    const fine = plugin('a', (bind) => void bind(ConnectionHooks).toConstantValue({}));
    const needy = plugin(
      'b',
      (bind) => void bind(ConnectionHooks).toResolvedValue((_needed: unknown) => ({}), [Symbol.for('outrigger.Kv')]),
    );
    expect(failure(fine, needy)).to.deep.equal({
      plugin: 'b',
      message: 'plugin b needs Kv for its ConnectionHooks, and nobody provides it; list a plugin that does',
    });
  });

  it('more than one provide what is needed once', () => {
    const token = Symbol.for('acme.Store');
    const needy = plugin('c', (bind) => void bind(Lifecycle).toResolvedValue((_needed: unknown) => ({}), [token]));
    expect(failure(provide('a', token, {}), provide('b', token, {}), needy).message).to.equal(
      'plugin c needs one acme.Store for its Lifecycle, and a and b provide one each; ask for all with isMultiple',
    );
  });

  it('a binding goes nowhere, or depends on a condition', () => {
    expect(failure(plugin('a', (bind) => void bind(Lifecycle))).message).to.equal(
      'of the 1 bindings of Lifecycle (by a) 0 can be had; end each with to…(), and without a when…()',
    );
    const conditional = plugin('b', (bind) => void bind(Lifecycle).toConstantValue({}).whenNamed('x'));
    expect(failure(provide('a', Lifecycle as symbol, {}), conditional).message).to.equal(
      'of the 2 bindings of Lifecycle (by a, b) 1 can be had; end each with to…(), and without a when…()',
    );
  });

  for (const [token, name] of [
    [RouterFactory, 'RouterFactory'],
    [RetryPolicy, 'RetryPolicy'],
    [Metrics, 'Metrics'],
  ] as const) {
    it(`two plugins provide ${name}`, () => {
      expect(failure(provide('a', token as symbol, {}), provide('b', token as symbol, {}))).to.deep.equal({
        plugin: 'b',
        message: `the plugins a and b both provide ${name}, of which there is one; list one of them only`,
      });
    });
  }

  it('a plugin provides twice what there is once', () => {
    const twice = plugin('a', (bind) => {
      bind(RetryPolicy).toConstantValue({} as RetryPolicy);
      bind(RetryPolicy).toConstantValue({} as RetryPolicy);
    });
    expect(failure(twice).message).to.equal('plugin a provides RetryPolicy twice, of which there is one; bind it once');
  });

  it('a plugin provides what is core’s own', () => {
    expect(failure(provide('a', Clock as symbol, {})).message).to.equal(
      "plugin a provides Clock, which is core's own; remove that binding",
    );
    expect(failure(provide('a', Connector as symbol, { name: 'tcp' })).message).to.equal(
      'plugin a provides the connector "tcp", which is core\'s own; remove that binding',
    );
  });

  for (const [token, kind] of [
    [Transport, 'transport'],
    [Protocol, 'protocol'],
    [Connector, 'connector'],
    [Discovery, 'discovery'],
  ] as const) {
    it(`two plugins provide a ${kind} of the same name`, () => {
      const same = { name: 'x' };
      expect(failure(provide('a', token as symbol, same), provide('b', token as symbol, same)).message).to.equal(
        `the plugins a and b both provide the ${kind} "x", and names are unique; list one of them only`,
      );
    });
  }

  it('two plugins provide a policy of the same name', () => {
    const same = { policy: 'random', create() {} };
    const token = Symbol.for('outrigger.BalancerFactory');
    expect(failure(provide('a', token, same), provide('b', token, same)).message).to.equal(
      'the plugins a and b both provide the balancing policy "random", and names are unique; list one of them only',
    );
  });

  it('hooks are none', () => {
    const hooks = (value: unknown) => failure(provide('a', ConnectionHooks as symbol, value)).message;
    expect(hooks(7)).to.equal('plugin a binds a number to ConnectionHooks; expected an object');
    expect(hooks({ onRequest: 'x' })).to.equal('the hook onRequest of plugin a is a string; expected a function');
    expect(hooks({ onReqest() {} })).to.equal('plugin a has the unknown hook "onReqest"; did you mean "onRequest"?');
    class Misspelt {
      onSesionEnd(): void {}
    }
    expect(hooks(new Misspelt())).to.equal('plugin a has the unknown hook "onSesionEnd"; did you mean "onSessionEnd"?');
    expect(() => compose(provide('a', ConnectionHooks as symbol, { onTimerOfMine() {} }))).not.to.throw();
  });

  it('nothing is wrong', () => {
    expect(compose(provide('a', EndpointWeight as symbol, {})).endpointWeights).to.have.length(1);
  });
});
