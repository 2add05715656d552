import { expect } from 'chai';
import { type ConnectionHooks, HOOKS, ignore } from '../src/index.ts';
import { attempt, chain, connection, type Entry, failed, failedMessage, message, outcome } from './chains.ts';
import { sessionStandIn } from './stand-ins.ts';

describe('a session that a hook ignores', () => {
  /** An entry whose hooks say in `seen` that they were called. */
  function listening(seen: string[], letter: string, first: Partial<ConnectionHooks>): Entry {
    const see = (hook: string) => () => void seen.push(`${letter}.${hook}`);
    return {
      plugin: 'same name',
      hooks: {
        onRoute: see('onRoute'),
        onAttempt: see('onAttempt'),
        onMessage: see('onMessage') as never,
        watchesMessages: () => letter === 'a',
        onSessionEnd: see('onSessionEnd'),
        ...first,
      },
    };
  }
  function begin(...entries: Entry[]) {
    const { hooks, session, ...rest } = chain(...entries);
    return { ...rest, hooks, session: Object.assign(session, { hooks }) };
  }
  async function goOn(session: ReturnType<typeof begin>['session']): Promise<void> {
    await session.hooks.onRoute?.(session);
    session.hooks.onAttempt?.(session, attempt);
    session.hooks.onMessage?.(session, message('downstream'));
    session.hooks.onSessionEnd?.(session, outcome);
  }

  for (const [how, onRequest] of [
    ['at once', () => ignore],
    ['later', async () => ignore],
    ['as another copy of the core says it', () => ({ kind: 'ignore' }) as const],
  ] as const) {
    it(`${how} goes on with the others, and with none of the hooks that were bound with it`, async () => {
      const seen: string[] = [];
      const { hooks, session, logs } = begin(
        listening(seen, 'a', { onRequest }),
        listening(seen, 'b', { onRequest: () => void seen.push('b.onRequest') }),
      );
      expect(await hooks.onRequest!(session)).to.equal(undefined);
      await goOn(session);
      expect(seen).to.deep.equal(['b.onRequest', 'b.onRoute', 'b.onAttempt', 'b.onMessage', 'b.onSessionEnd']);
      expect(session.hooks.watchesMessages!(session)).to.equal(false);
      expect(hooks.watchesMessages!(session)).to.equal(true);
      expect(logs).to.deep.equal([]);
    });
  }

  it('is a matter of that session alone, and the next one that is ignored has the same chain', () => {
    const { hooks } = begin({ plugin: 'a', hooks: { onRequest: () => ignore, onSessionEnd() {} } });
    const sessions = [0, 1].map(() => Object.assign(sessionStandIn(), { hooks }));
    for (const session of sessions) hooks.onRequest!(session);
    expect(sessions[0]!.hooks.onSessionEnd).to.equal(null);
    expect(hooks.onSessionEnd).to.not.equal(null);
    expect(sessions[0]!.hooks).to.equal(sessions[1]!.hooks);
  });

  it('by all of them, one after the other, has none in the end; twice is once', async () => {
    const seen: string[] = [];
    const { session, logs } = begin(
      listening(seen, 'a', { onRequest: () => ignore }),
      listening(seen, 'b', { onRoute: () => ignore }),
      listening(seen, 'c', { onUpgrade: async () => ignore }),
    );
    const { hooks } = session;
    await hooks.onRequest!(session);
    await hooks.onRequest!(session);
    await session.hooks.onUpgrade!(session);
    await session.hooks.onRoute!(session);
    expect(seen).to.deep.equal([]);
    for (const hook of HOOKS) expect(session.hooks[hook], hook).to.equal(null);
    expect(logs).to.deep.equal([]);
  });

  it('is nothing that a connection or a message can be: there it is no verdict', () => {
    const { hooks, session, logs } = begin({
      plugin: 'a',
      hooks: { onConnection: (() => ignore) as never, onMessage: (() => ignore) as never },
    });
    expect(hooks.onConnection!(connection)).to.deep.equal(failed('a'));
    expect(hooks.onMessage!(session, message('upstream'))).to.deep.equal(failedMessage('a'));
    expect(logs).to.have.length(2);
  });
});
