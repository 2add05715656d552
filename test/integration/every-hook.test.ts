import { once } from 'node:events';
import { type ConnectionHooks, ConnectionHooks as ConnectionHooksToken, definePlugin, HOOKS } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { echoMessages, type Upstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/virtual-time.ts';

type Hook = (typeof HOOKS)[number];

/** How often each is called for a GET, another of events, and a WebSocket that has a message each way and one ping of ours. */
const CALLS: Readonly<Record<Hook, number>> = {
  onAccept: 3,
  onConnection: 3,
  onRequest: 3,
  onUpgrade: 1,
  onRoute: 3,
  onAttempt: 3,
  onAttemptEnd: 3,
  onResponse: 3,
  onOpen: 1,
  onEventStream: 1,
  onMessage: 2,
  watchesMessages: 1,
  onPong: 1,
  onSessionEnd: 3,
  onDisconnect: 3,
};

const AWAITED: readonly Hook[] = ['onConnection', 'onRequest', 'onUpgrade', 'onRoute', 'onResponse', 'onMessage'];

/** Hooks that count their calls, and let everything pass. */
function counting(hooks: readonly Hook[], later: boolean): { hooks: ConnectionHooks; calls: Record<string, number> } {
  const calls: Record<string, number> = {};
  const made = hooks.map((hook) => [
    hook,
    () => {
      calls[hook] = (calls[hook] ?? 0) + 1;
      if (hook === 'watchesMessages') return true;
      return later && AWAITED.includes(hook) ? new Promise((resolve) => setImmediate(resolve)) : undefined;
    },
  ]);
  return { hooks: Object.fromEntries(made) as ConnectionHooks, calls };
}

describe('each hook', () => {
  let upstream: Upstream;
  let sidecar: TestSidecar;
  before(async () => {
    upstream = await webSocketUpstream(echoMessages);
  });
  afterEach(() => sidecar.stop());
  after(() => upstream.stop());

  /** Two GETs on connections of their own, and one WebSocket. */
  async function traffic(): Promise<void> {
    const response = await fetch(`${sidecar.url}/`, { headers: { connection: 'close' } });
    expect(await response.text()).to.equal('plain');
    const events = await fetch(`${sidecar.url}/events`, { headers: { connection: 'close' } });
    expect(await events.text()).to.equal('data: plain\n\n');
    const socket = new WebSocket(sidecar.url.replace('http', 'ws'));
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).to.equal('hello');
    const [session] = sidecar.runtime.sessions;
    const ponged = once(socket, 'ping');
    session!.websocket!.ping('downstream');
    await ponged;
    // The pong is on its way before the close, on the same connection.
    socket.close(1000);
    await once(socket, 'close');
    await eventually(() => sidecar.runtime.sessions.size === 0);
    await eventually(() => sidecar.runtime.listenerStates()[0]!.connections === 0);
  }

  const ways = (hook: Hook) => (AWAITED.includes(hook) ? [false, true] : [false]);
  for (const hook of HOOKS) {
    for (const later of ways(hook)) {
      const how = later ? 'with a promise' : 'at once';
      it(`${hook}, answering ${how}, is called as often as it should with no other hook there`, async () => {
        const { hooks, calls } = counting([hook], later);
        sidecar = await startSidecar({ endpoints: [upstream.address], hooks });
        await traffic();
        // Nobody is asked whether he watches messages where nobody has a hook for them.
        expect(calls[hook] ?? 0).to.equal(hook === 'watchesMessages' ? 0 : CALLS[hook]);
      });

      it(`${hook}, answering ${how}, is called as often among all others, of its own plugin and of another`, async () => {
        const own = counting(HOOKS, later);
        const other = counting(HOOKS, !later);
        const plugin = definePlugin({
          name: 'other',
          bind: (bind) => void bind(ConnectionHooksToken).toConstantValue(other.hooks),
        });
        sidecar = await startSidecar({ endpoints: [upstream.address], hooks: own.hooks, plugins: [plugin] });
        await traffic();
        // The first yes is enough.
        const asked = hook === 'watchesMessages' ? (own.calls[hook] ?? 0) + (other.calls[hook] ?? 0) : own.calls[hook];
        expect(asked).to.equal(CALLS[hook]);
        if (hook !== 'watchesMessages') expect(other.calls[hook]).to.equal(CALLS[hook]);
      });
    }
  }
});
