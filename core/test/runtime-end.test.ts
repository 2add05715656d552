import { expect } from 'chai';
import { ConnectionHooks, type Deadline, type Plugin } from '../src/index.ts';
import { configuration, listener, living, refusalOf, runtimes } from './runtimes.ts';
import { rejectionOf, turn } from './stand-ins.ts';

describe('the end of a runtime', () => {
  const { setUp, client } = runtimes();

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
    expect(await refusalOf(runtime.listeners.get('outbound')!.address.port)).to.equal('ECONNREFUSED');
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
    clock.advance(10_500);
    await drained;
    const stopped = runtime.stop();
    await turn();
    clock.advance(5_000);
    await stopped;
    expect(seen).to.deep.equal(['drain a', 'stop b', 'stop a']);
    expect(logs.map(({ message, error }) => `${message}: ${String(error).split('\n')[0]}`)).to.deep.equal([
      'drain of plugin c failed: Error: not done within 10500 ms',
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
