import { expect } from 'chai';
import { takenPort } from '../../test/support/taken-port.ts';
import { type Configuration, PluginError } from '../src/index.ts';
import { configuration, listener, living, parts, refusalOf, runtimes } from './runtimes.ts';
import { rejectionOf } from './stand-ins.ts';

describe('the start of a runtime', () => {
  const { runtimeOf, setUp, client } = runtimes();

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
    using taken = await takenPort();
    const seen: string[] = [];
    const { runtime, logs } = setUp(
      configuration({ listeners: [listener('inbound'), listener('second', { bind: `127.0.0.1:${taken.port}` })] }),
      living('a', seen),
    );
    expect((await rejectionOf(runtime.start())).message).to.equal(
      `cannot listen on 127.0.0.1:${taken.port}: the address is in use; stop what listens there, or choose another`,
    );
    expect(seen).to.deep.equal(['init a', 'start a', 'stop a']);
    const { address } = logs[0] as unknown as { address: { port: number } };
    expect(await refusalOf(address.port)).to.equal('ECONNREFUSED');
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
      const { runtime } = runtimeOf(config, ...(without ? [] : [parts()]), living('a', seen));
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
