import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import {
  BalancerFactory,
  Clock,
  type ComposedPlugin,
  type Configuration,
  ConnectionHooks,
  Discovery,
  Lifecycle,
  type ListenerSpec,
  type OpenSessions,
  type Plugin,
  Protocol,
  RouterFactory,
  Runtime,
  Sessions,
  VirtualClock,
} from '../src/index.ts';
import { LineProtocol } from './line-protocol.ts';
import { collectingLogger, composed, type LogLine } from './stand-ins.ts';

/** Discoveries that watch now, of all runtimes. */
export let watching = 0;

/** Everything that a sidecar needs, as small as can be. */
export function parts(version = 'v1', protocols: LineProtocol[] = []): Plugin {
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
export function living(name: string, seen: string[], own: Partial<Lifecycle> = {}): Plugin {
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

export const listener = (name: string, more: Partial<ListenerSpec> = {}): ListenerSpec => ({
  name,
  protocol: 'http',
  bind: '127.0.0.1:0',
  direction: 'inbound',
  routes: [{ cluster: 'app', settings: {} }],
  settings: {},
  ...more,
});

export const configuration = (more: Partial<Configuration> = {}, endpoints = ['a:1']): Configuration => ({
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

/** Runtimes of a suite, and clients of theirs: they end after each test. Called in its `describe`. */
export function runtimes() {
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const f of cleanUp.splice(0)) await f();
    expect(watching).to.equal(0);
  });

  /** A runtime of these plugins alone. */
  function runtimeOf(config: Configuration, ...plugins: Plugin[]) {
    const logs: LogLine[] = [];
    const clock = new VirtualClock();
    const all: ComposedPlugin[] = plugins.map((plugin) => composed(plugin));
    const runtime = new Runtime({ configuration: config, plugins: all, logger: collectingLogger(logs), clock });
    cleanUp.push(() => runtime.stop());
    return { runtime, logs, clock, plugins: all };
  }

  return {
    runtimeOf,
    /** A runtime of everything that a sidecar needs, and of these plugins. */
    setUp: (config = configuration(), ...plugins: Plugin[]) => runtimeOf(config, parts(), ...plugins),

    /** A client that sends lines and gets lines. */
    async client(runtime: Runtime, name = 'inbound') {
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
    },
  };
}

/** How a connection to a port fails. */
export async function refusalOf(port: number): Promise<string | undefined> {
  const refused = connect({ port, host: '127.0.0.1' });
  return ((await once(refused, 'error')) as NodeJS.ErrnoException[])[0]!.code;
}
