import { expect } from 'chai';
import { type Close, type ConnectionHooks, close } from '../src/index.ts';
import { chain, type Entry, failedMessage, message } from './chains.ts';
import { turn } from './stand-ins.ts';

describe('messages', () => {
  it('are seen as the former hook left them', () => {
    const append = (letter: string): ConnectionHooks => ({
      onMessage(_session, one) {
        one.data = Buffer.concat([one.data, Buffer.from(letter)]);
      },
    });
    const { hooks, session } = chain({ plugin: 'a', hooks: append('a') }, { plugin: 'b', hooks: append('b') });
    const up = message('downstream', '>');
    const down = message('upstream', '<');
    hooks.onMessage!(session, up);
    hooks.onMessage!(session, down);
    expect([String(up.data), String(down.data)]).to.deep.equal(['>ab', '<ba']);
  });

  it('that are dropped go no further', () => {
    let asked = 0;
    const { hooks, session } = chain(
      { plugin: 'a', hooks: { onMessage: () => 'drop' } },
      { plugin: 'b', hooks: { onMessage: () => void asked++ } },
    );
    expect(hooks.onMessage!(session, message('downstream'))).to.equal('drop');
    expect(asked).to.equal(0);
  });

  it('may be answered by a signed Close, later too', async () => {
    const { hooks, session } = chain({ plugin: 'a', hooks: { onMessage: async () => close(1008, 'policy') } });
    expect(await hooks.onMessage!(session, message('upstream'))).to.deep.equal({
      kind: 'close',
      code: 1008,
      reason: 'policy',
      plugin: 'a',
    });
  });

  const failures: Record<string, () => unknown> = {
    'a throw': () => {
      throw new Error('boom');
    },
    'a rejection': () => Promise.reject(new Error('boom')),
    'another string': () => 'dorp',
    'a code that may not be sent': () => ({ kind: 'close', code: 1006, reason: '' }) satisfies Close,
  };
  for (const [what, hook] of Object.entries(failures)) {
    it(`close the WebSocket with 1011 after ${what}, or go on where the plugin is open`, async () => {
      const closed = chain({ plugin: 'a', hooks: { onMessage: hook as never } });
      expect(await closed.hooks.onMessage!(closed.session, message('upstream'))).to.deep.equal(failedMessage('a'));
      const open = chain({ plugin: 'a', hooks: { onMessage: hook as never }, onError: 'open' });
      expect(await open.hooks.onMessage!(open.session, message('upstream'))).to.equal(undefined);
      expect(open.counts).to.deep.equal({ 'outrigger_plugin_errors_total{a,onMessage}': 1 });
    });
  }

  it('close the WebSocket with 1011 where a hook never settles', async () => {
    const { hooks, clock, session } = chain({ plugin: 'a', hooks: { onMessage: () => new Promise(() => {}) } });
    const verdict = hooks.onMessage!(session, message('upstream'));
    clock.advance(1_000);
    expect(await verdict).to.deep.equal(failedMessage('a'));
  });
});

describe('watching messages', () => {
  const onMessage = () => undefined;
  const cases: [what: string, entries: Entry[], answer: boolean | null][] = [
    ['no plugin has onMessage', [{ plugin: 'a', hooks: { watchesMessages: () => true } }], null],
    ['a plugin does not say', [{ plugin: 'a', hooks: { onMessage } }], true],
    ['all say no', [{ plugin: 'a', hooks: { onMessage, watchesMessages: () => false } }], false],
    [
      'one says yes',
      [
        { plugin: 'a', hooks: { onMessage, watchesMessages: () => false } },
        { plugin: 'b', hooks: { onMessage, watchesMessages: () => true } },
      ],
      true,
    ],
    [
      'one says no and another does not say',
      [
        { plugin: 'a', hooks: { onMessage, watchesMessages: () => false } },
        { plugin: 'b', hooks: { onMessage } },
      ],
      true,
    ],
  ];
  for (const [what, entries, answer] of cases) {
    it(`is ${answer} where ${what}`, () => {
      const { hooks, session } = chain(...entries);
      expect(hooks.watchesMessages === null ? null : hooks.watchesMessages(session)).to.equal(answer);
    });
  }

  it('is meant where the question fails, unless the plugin is open', async () => {
    for (const watchesMessages of [
      () => {
        throw new Error('boom');
      },
      async () => {
        throw new Error('boom');
      },
      () => undefined,
    ] as never[]) {
      const closed = chain({ plugin: 'a', hooks: { onMessage, watchesMessages } });
      expect(closed.hooks.watchesMessages!(closed.session)).to.equal(true);
      const open = chain({ plugin: 'a', hooks: { onMessage, watchesMessages }, onError: 'open' });
      expect(open.hooks.watchesMessages!(open.session)).to.equal(false);
      expect(open.counts).to.deep.equal({ 'outrigger_plugin_errors_total{a,watchesMessages}': 1 });
    }
    await turn();
  });

  it('sends a session that anyone watches through every onMessage', () => {
    const seen: string[] = [];
    const { hooks, session } = chain(
      { plugin: 'a', hooks: { onMessage: () => void seen.push('a'), watchesMessages: () => false } },
      { plugin: 'b', hooks: { onMessage: () => void seen.push('b'), watchesMessages: () => true } },
    );
    hooks.onMessage!(session, message('downstream'));
    expect(seen).to.deep.equal(['a', 'b']);
  });
});
