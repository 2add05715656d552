import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import {
  BalancerFactory,
  Clock,
  type ComposedPlugin,
  type Configuration,
  ConnectionHooks,
  type Deadline,
  Discovery,
  Lifecycle,
  type ListenerSpec,
  type OpenSessions,
  type Plugin,
  PluginError,
  Protocol,
  RouterFactory,
  Runtime,
  Sessions,
  SocketStream,
  Transport,
  VirtualClock,
} from '../src/index.ts';
import { LineProtocol } from './line-protocol.ts';
import { collectingLogger, composed, type LogLine, rejectionOf, turn } from './stand-ins.ts';

/** Discoveries that watch now, of all sidecars of this file. */
let watching = 0;

/** Everything that a sidecar needs, as small as can be. */
function parts(version = 'v1', protocols: LineProtocol[] = []): Plugin {
  return {
    name: 'parts',
    bind(bind) {
      bind(Protocol).toResolvedValue(
        (clock: Clock, sessions: Sessions) => {
          const protocol = new LineProtocol(version, clock, sessions as OpenSessions);
          protocols.push(protocol);
          return protocol;
        },
        [Clock, Sessions],
      );
      bind(RouterFactory).toConstantValue({ create: (routes) => ({ route: () => routes[0]?.route }) });
      bind(Discovery).toConstantValue({
        name: 'static',
        watch(spec, onChange) {
          onChange((spec as string[]).map((address) => ({ address })));
          watching++;
          return {
            [Symbol.dispose]() {
              watching--;
            },
          };
        },
      });
      bind(BalancerFactory).toConstantValue({
        policy: 'first',
        create() {
          let list: Parameters<ReturnType<BalancerFactory['create']>['update']>[0] = [];
          return {
            update(endpoints) {
              list = endpoints;
            },
            pick: () => list[0],
            observe() {},
          };
        },
      });
    },
  };
}

/** A lifecycle that tells when it is called, of a plugin that sessions call. */
function living(name: string, seen: string[], own: Partial<Lifecycle> = {}): Plugin {
  const tell = (phase: string) => (): void => void seen.push(`${phase} ${name}`);
  return {
    name,
    bind(bind) {
      bind(ConnectionHooks).toConstantValue({});
      bind(Lifecycle).toConstantValue({
        init: tell('init'),
        start: tell('start'),
        drain: tell('drain'),
        stop: tell('stop'),
        ...own,
      });
    },
  };
}

const listener = (name: string, more: Partial<ListenerSpec> = {}): ListenerSpec => ({
  name,
  protocol: 'http',
  bind: '127.0.0.1:0',
  direction: 'inbound',
  routes: [{ cluster: 'app', settings: {} }],
  settings: {},
  ...more,
});

const configuration = (more: Partial<Configuration> = {}, endpoints = ['a:1']): Configuration => ({
  service: { name: 'test' },
  drain: { delay: 0, timeout: 10_000, rate: 200 },
  listeners: [listener('inbound')],
  clusters: [
    {
      name: 'app',
      balancer: { policy: 'first', settings: {} },
      discovery: { name: 'static', spec: endpoints },
      settings: {},
    },
  ],
  plugins: [],
  ...more,
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('the runtime', () => {
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const f of cleanUp.splice(0)) await f();
    expect(watching).to.equal(0);
  });

  function setUp(config = configuration(), ...plugins: Plugin[]) {
    const logs: LogLine[] = [];
    const clock = new VirtualClock();
    const all = [parts(), ...plugins].map((plugin) => composed(plugin));
    const runtime = new Runtime({ configuration: config, plugins: all, logger: collectingLogger(logs), clock });
    cleanUp.push(() => runtime.stop());
    return { runtime, logs, clock, plugins: all as ComposedPlugin[] };
  }

  /** A client that sends lines and gets lines. */
  async function client(runtime: Runtime, name = 'inbound') {
    const { port } = runtime.listeners.get(name)!.address;
    const socket: Socket = connect({ port, host: '127.0.0.1' });
    cleanUp.push(() => socket.destroy());
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    return {
      socket,
      closed,
      async ask(line: string): Promise<string> {
        socket.write(`${line}\n`);
        const [data] = (await once(socket, 'data')) as [Buffer];
        return String(data).trim();
      },
    };
  }

  describe('starting', () => {
    it('calls every init, then every start, in order, and then accepts', async () => {
      const seen: string[] = [];
      const { runtime } = setUp(configuration(), living('a', seen), living('b', seen));
      expect([runtime.ready, runtime.listeners.size]).to.deep.equal([false, 0]);
      await runtime.start();
      expect(seen).to.deep.equal(['init a', 'init b', 'start a', 'start b']);
      expect(runtime.ready).to.equal(true);
      expect(runtime.listeners.get('inbound')).to.deep.include({
        name: 'inbound',
        protocol: 'http',
        direction: 'inbound',
      });
      expect(await (await client(runtime)).ask('hello')).to.equal('v1 1 inbound[0] a:1');
    });

    it('stops, in reverse, what was begun where a start fails, and throws its error', async () => {
      const seen: string[] = [];
      const boom = () => {
        throw new Error('no socket');
      };
      const { runtime, logs } = setUp(
        configuration(),
        living('a', seen),
        living('b', seen, { start: boom, stop: boom }),
        living('c', seen),
      );
      const error = await rejectionOf(runtime.start());
      expect(error.message).to.equal('start of plugin b failed: no socket');
      expect(seen).to.deep.equal(['init a', 'init b', 'init c', 'start a', 'stop c', 'stop a']);
      expect(logs.map(({ message }) => message)).to.deep.equal(['stop of plugin b failed']);
      await runtime.stop();
      expect(seen.filter((call) => call.startsWith('stop'))).to.have.length(2);
      expect(runtime.ready).to.equal(false);
    });

    it('does not stop what was never begun', async () => {
      const seen: string[] = [];
      const init = async () => {
        throw new Error('no licence');
      };
      const { runtime } = setUp(configuration(), living('a', seen), living('b', seen, { init }), living('c', seen));
      expect((await rejectionOf(runtime.start())).message).to.equal('init of plugin b failed: no licence');
      expect(seen).to.deep.equal(['init a', 'stop b', 'stop a']);
    });

    it('closes the listeners that accepted where one cannot', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      cleanUp.push(() => void taken.close());
      const { port } = taken.address() as { port: number };
      const seen: string[] = [];
      const { runtime, logs } = setUp(
        configuration({ listeners: [listener('inbound'), listener('second', { bind: `127.0.0.1:${port}` })] }),
        living('a', seen),
      );
      expect((await rejectionOf(runtime.start())).message).to.equal(
        `cannot listen on 127.0.0.1:${port}: the address is in use; stop what listens there, or choose another`,
      );
      expect(seen).to.deep.equal(['init a', 'start a', 'stop a']);
      const { address } = logs[0] as unknown as { address: { port: number } };
      const refused = connect({ port: address.port, host: '127.0.0.1' });
      expect(((await once(refused, 'error')) as NodeJS.ErrnoException[])[0]!.code).to.equal('ECONNREFUSED');
    });

    const wrong: [what: string, config: Configuration, without: boolean, message: string][] = [
      [
        'a cluster that is not there',
        configuration({ listeners: [listener('edge', { routes: [{ cluster: 'ghost', settings: {} }] })] }),
        false,
        'listener edge: there is no cluster "ghost"',
      ],
      [
        'TLS that nobody provides',
        configuration({ listeners: [listener('edge', { protocol: 'https' })] }),
        false,
        'listener edge: no plugin provides TLS, which protocol: https needs; load the https plugin',
      ],
      [
        'routing that nobody provides',
        configuration({ clusters: [], listeners: [listener('edge', { routes: [] })] }),
        true,
        'listener edge: no plugin provides a RouterFactory; load the routing plugin',
      ],
    ];
    for (const [what, config, without, message] of wrong) {
      it(`refuses ${what} before any plugin has begun`, async () => {
        const seen: string[] = [];
        const plugins = [...(without ? [] : [parts()]), living('a', seen)].map((plugin) => composed(plugin));
        const runtime = new Runtime({
          configuration: config,
          plugins,
          logger: collectingLogger([]),
          clock: new VirtualClock(),
        });
        const error = await rejectionOf(runtime.start());
        expect(error.message).to.equal(message);
        expect(error instanceof PluginError).to.equal(!message.includes('ghost'));
        expect(seen).to.deep.equal([]);
      });
    }

    it('ends when it is stopped meanwhile', async () => {
      const seen: string[] = [];
      const slow = Promise.withResolvers<void>();
      const { runtime } = setUp(configuration(), living('a', seen, { init: () => slow.promise }), living('b', seen));
      const started = rejectionOf(runtime.start());
      await runtime.stop();
      slow.resolve();
      expect((await started).message).to.equal('stopped while it was starting');
      expect(seen).to.deep.equal(['stop a']);
      expect(runtime.listeners.size).to.equal(0);
    });
  });

  describe('ending', () => {
    it('drains at once where nothing is open, in reverse, and only once', async () => {
      const seen: string[] = [];
      const { runtime } = setUp(configuration(), living('a', seen), living('b', seen));
      await runtime.start();
      seen.length = 0;
      const drained = runtime.drain();
      expect(runtime.ready).to.equal(false);
      expect(runtime.drain()).to.equal(drained);
      await drained;
      expect(runtime.drainFinished).to.equal(true);
      const stopped = runtime.stop();
      expect(runtime.stop()).to.equal(stopped);
      await stopped;
      expect(seen).to.deep.equal(['drain b', 'drain a', 'stop b', 'stop a']);
    });

    it('still accepts for drain.delay, not ready, and counts it into the deadline', async () => {
      const seen: Deadline[] = [];
      const drain = (by: Deadline) => void seen.push(by);
      const { runtime, clock } = setUp(
        configuration({ drain: { delay: 2_000, timeout: 9_000, rate: 7 } }),
        living('a', [], { drain }),
      );
      await runtime.start();
      const drained = runtime.drain();
      expect(runtime.ready).to.equal(false);
      expect(await (await client(runtime)).ask('hello')).to.equal('v1 1 inbound[0] a:1');
      expect(seen).to.deep.equal([]);
      clock.advance(2_000);
      await drained;
      expect(seen).to.deep.equal([{ at: 9_000, rate: 7, closeCode: undefined }]);
    });

    it('ends inbound sessions before it closes outbound listeners', async () => {
      const { runtime } = setUp(
        configuration({ listeners: [listener('inbound'), listener('outbound', { direction: 'outbound' })] }),
      );
      await runtime.start();
      const held = await client(runtime);
      await held.ask('hold');
      let finished = false;
      const drained = runtime.drain().then(() => {
        finished = true;
      });
      expect(await (await client(runtime, 'outbound')).ask('hello')).to.equal('v1 1 outbound[0] a:1');
      expect(finished).to.equal(false);
      held.socket.destroy();
      await drained;
      const refused = connect({ port: runtime.listeners.get('outbound')!.address.port, host: '127.0.0.1' });
      expect(((await once(refused, 'error')) as NodeJS.ErrnoException[])[0]!.code).to.equal('ECONNREFUSED');
    });

    it('goes on where a plugin does not drain in time, or fails to', async () => {
      const seen: string[] = [];
      const never = () => new Promise<void>(() => {});
      const boom = async () => {
        throw new Error('boom');
      };
      const { runtime, clock, logs } = setUp(
        configuration(),
        living('a', seen),
        living('b', seen, { drain: boom }),
        living('c', seen, { drain: never, stop: never }),
      );
      await runtime.start();
      seen.length = 0;
      logs.length = 0;
      const drained = runtime.drain();
      await turn();
      clock.advance(10_000);
      await drained;
      const stopped = runtime.stop();
      await turn();
      clock.advance(5_000);
      await stopped;
      expect(seen).to.deep.equal(['drain a', 'stop b', 'stop a']);
      expect(logs.map(({ message, error }) => `${message}: ${String(error).split('\n')[0]}`)).to.deep.equal([
        'drain of plugin c failed: Error: not done within 10000 ms',
        'drain of plugin b failed: Error: boom',
        'stop of plugin c failed: Error: not done within 5000 ms',
      ]);
    });

    it('stops without draining, and plugins hear of every end before', async () => {
      const seen: string[] = [];
      const hooks: Plugin = {
        name: 'hooks',
        bind(bind) {
          bind(ConnectionHooks).toConstantValue({
            onSessionEnd: (_session, { cause }) => void seen.push(`session ${cause}`),
            onDisconnect: () => void seen.push('connection'),
          });
        },
      };
      const { runtime } = setUp(configuration(), living('a', seen), hooks);
      await runtime.start();
      const held = await client(runtime);
      await held.ask('hold');
      seen.length = 0;
      await runtime.stop();
      expect(seen).to.deep.equal(['session downstream-closed', 'connection', 'stop a']);
      await held.closed;
    });

    it('cuts the delay of a drain short where it is stopped, and drains no plugin that is stopped', async () => {
      const seen: string[] = [];
      const { runtime } = setUp(configuration({ drain: { delay: 5_000, timeout: 9_000, rate: 1 } }), living('a', seen));
      await runtime.start();
      seen.length = 0;
      const drained = runtime.drain();
      await runtime.stop();
      await drained;
      expect(seen).to.deep.equal(['stop a']);
    });

    it('may come before the start', async () => {
      const { runtime } = setUp();
      await runtime.drain();
      await runtime.stop();
      expect((await rejectionOf(runtime.start())).message).to.equal('stopped before it was started');
    });
  });

  describe('reloading', () => {
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
      const refused = connect({ port, host: '127.0.0.1' });
      expect(((await once(refused, 'error')) as NodeJS.ErrnoException[])[0]!.code).to.equal('ECONNREFUSED');
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
            ((token: never) =>
              (token as unknown) === RouterFactory ? { toConstantValue() {} } : bind(token)) as never,
            config,
          ),
      };
      const two = [listener('one'), listener('two')];
      const runtime = new Runtime({
        configuration: configuration({ listeners: two }),
        plugins: [without, counting].map((plugin) => composed(plugin)),
        logger: collectingLogger([]),
        clock: new VirtualClock(),
      });
      cleanUp.push(() => runtime.stop());
      await runtime.start();
      expect(built.splice(0)).to.deep.equal([1, 1]);
      const routes = [...listener('two').routes, ...listener('two').routes];
      await runtime.reload(
        configuration({ listeners: [listener('one'), listener('two', { routes })] }),
        runtime.composition.plugins,
      );
      expect(built).to.deep.equal([2]);
    });

    it('carries plugins over that did not change, and stops those at once that no session calls', async () => {
      const seen: string[] = [];
      const bystander: Plugin = {
        name: 'bystander',
        bind: (bind) =>
          void bind(Lifecycle).toConstantValue({
            init: () => void seen.push('init bystander'),
            stop: () => void seen.push('stop bystander'),
          }),
      };
      const { runtime, plugins } = setUp(configuration(), living('stays', seen), bystander, living('goes', seen));
      await runtime.start();
      const open = await client(runtime);
      await open.ask('hold');
      seen.length = 0;
      const [core, stays, aside, goes] = plugins as [ComposedPlugin, ComposedPlugin, ComposedPlugin, ComposedPlugin];
      const settings = { x: 1 };
      await runtime.reload(configuration(), [core, stays, { ...aside, settings }, { ...goes, settings }]);
      expect(seen.splice(0)).to.deep.equal(['init bystander', 'init goes', 'start goes', 'stop bystander']);
      await runtime.stop();
      expect(seen).to.have.members(['stop stays', 'stop goes', 'stop bystander', 'stop goes']);
    });

    it('composes anew where a plugin is another, and stops the old when its last connection has ended', async () => {
      const seen: string[] = [];
      const { runtime, clock } = setUp(configuration(), living('old', seen));
      await runtime.start();
      const open = await client(runtime);
      await open.ask('hello');
      const next = [parts('v2'), living('new', seen)].map((plugin) => composed(plugin));
      await runtime.reload(configuration(), next);
      expect(seen).to.deep.equal(['init old', 'start old', 'init new', 'start new']);
      expect(await open.ask('hello')).to.equal('v1 2 inbound[0] a:1');
      expect(await (await client(runtime)).ask('hello')).to.equal('v2 2 inbound[0] a:1');
      clock.advance(1_000);
      await turn();
      expect(seen).not.to.include('stop old');
      open.socket.end();
      await open.closed;
      clock.advance(1_000);
      await turn();
      expect(seen.slice(4)).to.deep.equal(['stop old']);
      await runtime.stop();
      expect(seen.slice(4)).to.deep.equal(['stop old', 'stop new']);
    });

    it('keeps a composition that a session has on a connection of an older one', async () => {
      const seen: string[] = [];
      const { runtime, clock } = setUp(configuration(), living('one', seen));
      await runtime.start();
      const open = await client(runtime);
      await open.ask('hello');
      await runtime.reload(
        configuration(),
        [parts('v2'), living('two', seen)].map((plugin) => composed(plugin)),
      );
      expect(await open.ask('hold')).to.equal('v1 2 inbound[0] a:1');
      await runtime.reload(configuration(), [composed(parts('v3'))]);
      clock.advance(1_000);
      await turn();
      expect(seen.filter((call) => call.startsWith('stop'))).to.deep.equal([]);
      open.socket.end();
      await open.closed;
      clock.advance(1_000);
      await turn();
      expect(seen.filter((call) => call.startsWith('stop'))).to.have.members(['stop one', 'stop two']);
    });

    it('brings the next connection of an https listener to the new transport', async () => {
      const seen: string[] = [];
      const tls = (name: string): Plugin => ({
        name: 'tls',
        bind: (bind) =>
          void bind(Transport).toConstantValue({
            name: 'tls',
            async secure(socket) {
              seen.push(name);
              const address = { family: 'ipv4', host: '127.0.0.1', port: 1 } as const;
              return { stream: SocketStream.accepted(socket), peer: { address }, alpn: 'http/1.1' };
            },
          }),
      });
      const config = configuration({ listeners: [listener('inbound', { protocol: 'https' })] });
      const { runtime } = setUp(config, tls('old'));
      await runtime.start();
      expect(await (await client(runtime)).ask('hello')).to.equal('v1 1 inbound[0] a:1');
      await runtime.reload(
        config,
        [parts('v2'), tls('new')].map((plugin) => composed(plugin)),
      );
      expect(await (await client(runtime)).ask('hello')).to.equal('v2 2 inbound[0] a:1');
      expect(seen).to.deep.equal(['old', 'new']);
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

    it('composes anew where what an entry says is another', async () => {
      const { runtime, plugins } = setUp();
      await runtime.start();
      const { composition } = runtime;
      await runtime.reload(configuration(), [{ ...plugins[0]! }]);
      expect(runtime.composition).to.equal(composition);
      for (const change of [
        { settings: { a: 1 } },
        { onError: 'open' },
        { timeout: 5 },
        { listeners: ['x'] },
      ] as const) {
        const before = runtime.composition;
        await runtime.reload(configuration(), [{ ...plugins[0]!, ...change }]);
        expect(runtime.composition, JSON.stringify(change)).not.to.equal(before);
      }
    });

    it('stops what it has retired when it is stopped itself', async () => {
      const seen: string[] = [];
      const { runtime } = setUp(configuration(), living('old', seen));
      await runtime.start();
      const open = await client(runtime);
      await open.ask('hold');
      await runtime.reload(configuration(), [composed(parts('v2'))]);
      await runtime.stop();
      expect(seen).to.deep.equal(['init old', 'start old', 'stop old']);
    });

    it('drains the connections of a replaced composition, too', async () => {
      const { runtime } = setUp();
      await runtime.start();
      const open = await client(runtime);
      await open.ask('hello');
      await runtime.reload(configuration(), [composed(parts('v2'))]);
      await runtime.drain();
      await open.closed;
    });

    it('changes nothing where the new one cannot be had', async () => {
      const seen: string[] = [];
      const { runtime, plugins } = setUp(configuration(), living('old', seen));
      await runtime.start();
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      cleanUp.push(() => void taken.close());
      const { port } = taken.address() as { port: number };
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
        `cannot listen on 127.0.0.1:${port}: the address is in use; stop what listens there, or choose another`,
        configuration(
          { listeners: [listener('inbound'), listener('x'), listener('y', { bind: `127.0.0.1:${port}` })] },
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
});
