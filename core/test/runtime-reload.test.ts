import { expect } from 'chai';
import { freePort } from '../../test/support/free-port.ts';
import { takenPort } from '../../test/support/taken-port.ts';
import { type ComposedPlugin, type Configuration, ConnectionHooks, type Plugin, RouterFactory } from '../src/index.ts';
import { configuration, listener, living, parts, refusalOf, runtimes, watching } from './runtimes.ts';
import { composed, rejectionOf, turn } from './stand-ins.ts';

describe('a reload of a runtime', () => {
  const { runtimeOf, setUp, client } = runtimes();

  it('gives open connections the new generation with their next session, and open sessions keep theirs', async () => {
    const ends: number[] = [];
    const hooks: Plugin = {
      name: 'hooks',
      bind: (bind) =>
        void bind(ConnectionHooks).toConstantValue({ onSessionEnd: ({ generation }) => void ends.push(generation) }),
    };
    const { runtime, plugins } = setUp(configuration(), hooks);
    await runtime.start();
    const { composition } = runtime;
    const open = await client(runtime);
    expect(await open.ask('hold')).to.equal('v1 1 inbound[0] a:1');
    const app = runtime.clusters.get('app');
    const { address } = runtime.listeners.get('inbound')!;
    await runtime.reload(
      configuration({ listeners: [listener('inbound', { settings: { tls: 2 } })] }, ['b:1']),
      plugins,
    );
    expect(await open.ask('hello')).to.equal('v1 2 inbound[0] b:1');
    expect(runtime.generation).to.equal(2);
    expect(runtime.composition).to.equal(composition);
    expect(runtime.clusters.get('app')).to.equal(app);
    expect(runtime.listeners.get('inbound')).to.deep.include({ address, settings: { tls: 2 } });
    open.socket.end();
    await open.closed;
    expect(ends).to.deep.equal([2, 1]);
  });

  it('opens new listeners, and drains those that are gone', async () => {
    const { runtime, plugins, clock } = setUp();
    await runtime.start();
    const [idle, busy] = [await client(runtime), await client(runtime)];
    await idle.ask('hello');
    await busy.ask('hold');
    const { port } = runtime.listeners.get('inbound')!.address;
    await runtime.reload(configuration({ listeners: [listener('other')] }), plugins);
    expect([...runtime.listeners.keys()]).to.deep.equal(['other']);
    expect(runtime.listenerStates().map(({ name, state, connections }) => [name, state, connections])).to.deep.equal([
      ['other', 'accepting', 0],
      ['inbound', 'draining', 2],
    ]);
    expect([...runtime.routes()].map(({ name }) => name)).to.deep.equal(['other[0]']);
    expect(await (await client(runtime, 'other')).ask('hello')).to.equal('v1 2 other[0] a:1');
    expect(await refusalOf(port)).to.equal('ECONNREFUSED');
    busy.socket.end();
    await Promise.all([busy.closed, idle.closed]);
    while (runtime.listenerStates().length > 1) {
      clock.advance(1_000);
      await turn();
    }
    expect(runtime.listenerStates().map(({ name }) => name)).to.deep.equal(['other']);
  });

  it('keeps the socket of an address, whatever its listener is called and speaks', async () => {
    const { runtime, plugins } = setUp();
    await runtime.start();
    const { port } = runtime.listeners.get('inbound')!.address;
    await runtime.reload(configuration({ listeners: [listener('inbound', { direction: 'outbound' })] }), plugins);
    const { address, direction } = runtime.listeners.get('inbound')!;
    expect([address.port, direction]).to.deep.equal([port, 'outbound']);
    const fixed = await freePort();
    const bind = `127.0.0.1:${fixed}`;
    await runtime.reload(configuration({ listeners: [listener('one', { bind })] }), plugins);
    const open = await client(runtime, 'one');
    await runtime.reload(configuration({ listeners: [listener('two', { bind }), listener('inbound')] }), plugins);
    expect([...runtime.listeners.keys()]).to.deep.equal(['two', 'inbound']);
    expect(await open.ask('hello')).to.equal('v1 4 two[0] a:1');
  });

  it('changes nothing where the configuration says the same', async () => {
    const listeners = [listener('inbound'), listener('second')];
    const { runtime, plugins } = setUp(configuration({ listeners }));
    await runtime.start();
    const same = configuration({ listeners: listeners.toReversed() });
    expect(
      await runtime.reload(
        same,
        plugins.map((one) => ({ ...one })),
      ),
    ).to.equal('unchanged');
    expect(runtime.generation).to.equal(1);
    expect(await runtime.reload({ ...same, drain: { ...same.drain, rate: 5 } }, plugins)).to.equal('changed');
    expect(runtime.generation).to.equal(2);
    await rejectionOf(runtime.reload(configuration({ clusters: [] }), plugins));
    expect(runtime.reloads).to.deep.include({ changed: 1, unchanged: 1, failed: 1 });
    expect(runtime.reloads.last).to.deep.include({
      result: 'failed',
      problems: ['listener inbound: there is no cluster "app"'],
    });
    expect(runtime.generation).to.equal(2);
  });

  it('builds the routes of a listener anew only where they changed', async () => {
    const built: number[] = [];
    const counting: Plugin = {
      name: 'counting',
      bind: (bind) =>
        void bind(RouterFactory).toConstantValue({
          create: (routes) => {
            built.push(routes.length);
            return { route: () => routes[0]?.route };
          },
        }),
    };
    const bare = parts();
    const without: Plugin = {
      ...bare,
      bind: (bind, config) =>
        bare.bind(
          ((token: never) => ((token as unknown) === RouterFactory ? { toConstantValue() {} } : bind(token))) as never,
          config,
        ),
    };
    const two = [listener('one'), listener('two')];
    const { runtime } = runtimeOf(configuration({ listeners: two }), without, counting);
    await runtime.start();
    expect(built.splice(0)).to.deep.equal([1, 1]);
    const routes = [...listener('two').routes, ...listener('two').routes];
    await runtime.reload(
      configuration({ listeners: [listener('one'), listener('two', { routes })] }),
      runtime.composition.plugins,
    );
    expect(built).to.deep.equal([2]);
  });

  it('ends clusters that are gone when no session is left of the generation that had them', async () => {
    const { runtime, plugins, clock } = setUp();
    await runtime.start();
    const open = await client(runtime);
    await open.ask('hold');
    const other = configuration({ clusters: [{ ...configuration().clusters[0]!, name: 'other' }] });
    const listeners = [listener('inbound', { routes: [{ cluster: 'other', settings: {} }] })];
    await runtime.reload({ ...other, listeners }, plugins);
    expect(runtime.clusters.get('app')).to.equal(undefined);
    clock.advance(1_000);
    expect(watching).to.equal(2);
    open.socket.end();
    await open.closed;
    clock.advance(1_000);
    expect(watching).to.equal(1);
  });

  it('changes nothing where the new one cannot be had', async () => {
    const seen: string[] = [];
    const { runtime, plugins } = setUp(configuration(), living('old', seen));
    await runtime.start();
    using taken = await takenPort();
    const open = await client(runtime);
    const boom = () => {
      throw new Error('boom');
    };
    const fails = async (message: string, config: Configuration, next: readonly ComposedPlugin[] = plugins) => {
      expect((await rejectionOf(runtime.reload(config, next))).message).to.equal(message);
      expect(await open.ask('hello')).to.equal('v1 1 inbound[0] a:1');
      expect([...runtime.listeners.keys()]).to.deep.equal(['inbound']);
      expect(runtime.ready).to.equal(true);
      expect(watching).to.equal(1);
    };
    await fails(
      `cannot listen on 127.0.0.1:${taken.port}: the address is in use; stop what listens there, or choose another`,
      configuration(
        { listeners: [listener('inbound'), listener('x'), listener('y', { bind: `127.0.0.1:${taken.port}` })] },
        ['b:1'],
      ),
    );
    await fails(
      'listener x: there is no cluster "ghost"',
      configuration({ listeners: [listener('x', { routes: [{ cluster: 'ghost', settings: {} }] })] }),
    );
    const broken = (phase: 'init' | 'start') =>
      [parts('v2'), living('new', seen), living('bad', seen, { [phase]: boom })].map((plugin) => composed(plugin));
    seen.length = 0;
    await fails('init of plugin bad failed: boom', configuration({}, ['b:1']), broken('init'));
    expect(seen.splice(0)).to.deep.equal(['init new', 'stop bad', 'stop new']);
    await fails('start of plugin bad failed: boom', configuration({}, ['b:1']), broken('start'));
    expect(seen.splice(0)).to.deep.equal(['init new', 'init bad', 'start new', 'stop bad', 'stop new']);
  });

  it('runs one at a time, and not while the sidecar is ending', async () => {
    const { runtime, plugins } = setUp();
    const early = await rejectionOf(runtime.reload(configuration(), plugins));
    const message = 'a configuration can be reloaded while the sidecar is ready, neither before nor while it drains';
    expect(early.message).to.equal(message);
    await runtime.start();
    await Promise.all([
      runtime.reload(configuration({}, ['b:1']), plugins),
      runtime.reload(configuration({}, ['c:1']), plugins),
    ]);
    expect(runtime.generation).to.equal(3);
    expect(await (await client(runtime)).ask('hello')).to.equal('v1 3 inbound[0] c:1');
    await runtime.drain();
    expect((await rejectionOf(runtime.reload(configuration(), plugins))).message).to.equal(message);
  });
});
