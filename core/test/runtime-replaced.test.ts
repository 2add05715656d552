import { expect } from 'chai';
import { type ComposedPlugin, Lifecycle, type Plugin, SocketStream, Transport } from '../src/index.ts';
import { configuration, listener, living, parts, runtimes } from './runtimes.ts';
import { composed, turn } from './stand-ins.ts';

describe('plugins that a reload replaces', () => {
  const { setUp, client } = runtimes();

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

  it('composes anew where what an entry says is another', async () => {
    const { runtime, plugins } = setUp();
    await runtime.start();
    const { composition } = runtime;
    await runtime.reload(configuration(), [{ ...plugins[0]! }]);
    expect(runtime.composition).to.equal(composition);
    for (const change of [{ settings: { a: 1 } }, { onError: 'open' }, { timeout: 5 }, { listeners: ['x'] }] as const) {
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
});
