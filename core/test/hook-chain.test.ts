import { expect } from 'chai';
import {
  type Attempt,
  type Close,
  type ConnectionHooks,
  chainHooks,
  close,
  HOOKS,
  ignore,
  type Message,
  type Outcome,
  type Reject,
  reject,
  type Session,
  VirtualClock,
} from '../src/index.ts';
import { collectingLogger, countingMetrics, type LogLine, sessionStandIn, turn } from './stand-ins.ts';

type Entry = { plugin: string; hooks: ConnectionHooks; onError?: 'open' | 'closed'; timeout?: number };

const attempt = {} as Attempt;
const outcome = {} as Outcome;
const peer = { family: 'ipv4', host: '127.0.0.1', port: 1 } as const;
const connection = {} as Parameters<NonNullable<ConnectionHooks['onConnection']>>[0];
const message = (from: Message['from'], text = ''): Message => ({ from, binary: false, data: Buffer.from(text) });

function chain(...entries: Entry[]) {
  const logs: LogLine[] = [];
  const counts: Record<string, number> = {};
  const clock = new VirtualClock();
  const hooks = chainHooks(
    entries.map((entry) => ({ onError: 'closed' as const, timeout: 1_000, ...entry })),
    { clock, logger: collectingLogger(logs), metrics: countingMetrics(counts) },
  );
  return { hooks, logs, counts, clock, session: sessionStandIn() };
}

const failed = (plugin: string) => ({
  kind: 'reject',
  status: 500,
  reason: `plugin ${plugin} failed`,
  headers: undefined,
  plugin,
});
const failedMessage = (plugin: string) => ({ kind: 'close', code: 1011, reason: `plugin ${plugin} failed`, plugin });

describe('a chain of hooks', () => {
  it('is null where no plugin has the hook', () => {
    const { hooks } = chain({ plugin: 'a', hooks: {} });
    for (const hook of HOOKS) expect(hooks[hook], hook).to.equal(null);
  });

  it('runs towards upstream in order, back in reverse', () => {
    const seen: string[] = [];
    const entry = (plugin: string): Entry => ({
      plugin,
      hooks: Object.fromEntries(
        HOOKS.filter((hook) => hook !== 'watchesMessages').map((hook) => [hook, () => void seen.push(plugin)]),
      ),
    });
    const { hooks, session } = chain(entry('a'), entry('b'), entry('c'));
    const orderOf = (call: () => unknown) => {
      seen.length = 0;
      expect(call()).to.equal(undefined);
      return seen.join('');
    };
    expect(orderOf(() => hooks.onAccept!(peer))).to.equal('abc');
    expect(orderOf(() => hooks.onConnection!(connection))).to.equal('abc');
    expect(orderOf(() => hooks.onRequest!(session))).to.equal('abc');
    expect(orderOf(() => hooks.onUpgrade!(session))).to.equal('abc');
    expect(orderOf(() => hooks.onRoute!(session))).to.equal('abc');
    expect(orderOf(() => hooks.onAttempt!(session, attempt))).to.equal('abc');
    expect(orderOf(() => hooks.onAttemptEnd!(session, attempt))).to.equal('cba');
    expect(orderOf(() => hooks.onResponse!(session))).to.equal('cba');
    expect(orderOf(() => hooks.onOpen!(session))).to.equal('cba');
    expect(orderOf(() => hooks.onMessage!(session, message('downstream')))).to.equal('abc');
    expect(orderOf(() => hooks.onMessage!(session, message('upstream')))).to.equal('cba');
    expect(orderOf(() => hooks.onPong!(session, 'upstream', 1))).to.equal('cba');
    expect(orderOf(() => hooks.onSessionEnd!(session, outcome))).to.equal('cba');
    expect(orderOf(() => hooks.onDisconnect!(connection))).to.equal('cba');
  });

  it('hands every argument on, with the plugin as this', () => {
    const seen: unknown[] = [];
    const plugin = {
      name: 'me',
      onPong(...given: unknown[]) {
        seen.push(this.name, ...given);
      },
    };
    const { hooks, session } = chain({ plugin: 'a', hooks: plugin });
    hooks.onPong!(session, 'upstream', 12);
    expect(seen).to.deep.equal(['me', session, 'upstream', 12]);
  });

  it('stays synchronous where no hook returns a promise', () => {
    const { hooks, session } = chain(
      { plugin: 'a', hooks: { onRequest() {} } },
      { plugin: 'b', hooks: { onRequest() {} } },
    );
    expect(hooks.onRequest!(session)).to.equal(undefined);
  });

  it('goes on in order behind a promise', async () => {
    const seen: string[] = [];
    const { hooks, session } = chain(
      { plugin: 'a', hooks: { onRequest: async () => void seen.push('a') } },
      { plugin: 'b', hooks: { onRequest: () => void seen.push('b') } },
      { plugin: 'c', hooks: { onRequest: async () => reject(403, 'no') } },
      { plugin: 'd', hooks: { onRequest: () => void seen.push('d') } },
    );
    const verdict = hooks.onRequest!(session);
    expect(verdict).to.be.instanceOf(Promise);
    expect(seen).to.deep.equal(['a']);
    expect(await verdict).to.deep.include({ status: 403, plugin: 'c' });
    expect(seen).to.deep.equal(['a', 'b']);
  });

  it('ends with the first verdict, and signs it', () => {
    let asked = 0;
    const { hooks, session } = chain(
      { plugin: 'a', hooks: { onRequest: () => undefined } },
      { plugin: 'b', hooks: { onRequest: () => reject(401, 'who?', { 'www-authenticate': 'Basic' }) } },
      { plugin: 'c', hooks: { onRequest: () => void asked++ } },
    );
    expect(hooks.onRequest!(session)).to.deep.equal({
      kind: 'reject',
      status: 401,
      reason: 'who?',
      headers: { 'www-authenticate': 'Basic' },
      plugin: 'b',
    });
    expect(asked).to.equal(0);
  });

  it('takes null for nothing', () => {
    const { hooks, session } = chain({ plugin: 'a', hooks: { onRequest: () => null as unknown as undefined } });
    expect(hooks.onRequest!(session)).to.equal(undefined);
  });
});

describe('a session that a hook ignores', () => {
  /** What each of the entries of one session, whose chain `chained` is, sees: by its letter. */
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

describe('a failing hook', () => {
  const boom = () => {
    throw new Error('boom');
  };
  const failures: [what: string, hook: () => unknown, error: RegExp][] = [
    ['throws', boom, /^Error: boom\n/],
    ['rejects', () => Promise.reject(new Error('boom')), /^Error: boom\n/],
    ['throws no Error', () => Promise.reject('boom'), /^boom$/],
    [
      'returns a string',
      () => 'no',
      /^TypeError: onRequest returned the string "no"; expected nothing, reject\(status, reason\), or ignore\n/,
    ],
    ['returns a number', () => 403, /^TypeError: onRequest returned the number 403; expected/],
    ['resolves to garbage', async () => true, /^TypeError: onRequest returned the boolean true; expected/],
    [
      'returns an object',
      () => ({ status: 403 }),
      /^TypeError: onRequest returned an object that is no verdict; expected/,
    ],
    ['returns a function', () => boom, /^TypeError: onRequest returned a function; expected/],
    [
      'rejects with a status that is none',
      () => ({ kind: 'reject', status: 42 }),
      /^TypeError: onRequest returned an object/,
    ],
    [
      'returns a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is the point
        then: boom,
      }),
      /^Error: boom\n/,
    ],
  ];
  for (const [what, hook, error] of failures) {
    for (const length of [1, 2]) {
      const others = Array.from({ length: length - 1 }, () => ({ plugin: 'other', hooks: { onRequest() {} } }));

      it(`that ${what} is a 500 where its plugin is closed (${length} in the chain)`, async () => {
        const { hooks, logs, counts, session } = chain({ plugin: 'a', hooks: { onRequest: hook as never } }, ...others);
        expect(await hooks.onRequest!(session)).to.deep.equal(failed('a'));
        expect(counts).to.deep.equal({ 'outrigger_plugin_errors_total{a,onRequest}': 1 });
        expect(logs).to.have.length(1);
        expect(logs[0]).to.deep.include({
          level: 'error',
          message: 'onRequest of plugin a failed',
          plugin: 'a',
          hook: 'onRequest',
          onError: 'closed',
        });
        expect(logs[0]!['error']).to.match(error);
      });

      it(`that ${what} is as good as none where its plugin is open (${length} in the chain)`, async () => {
        const { hooks, logs, counts, session } = chain(
          { plugin: 'a', hooks: { onRequest: hook as never }, onError: 'open' },
          ...others,
        );
        expect(await hooks.onRequest!(session)).to.equal(undefined);
        expect(counts).to.deep.equal({ 'outrigger_plugin_errors_total{a,onRequest}': 1 });
        expect(logs[0]).to.deep.include({ onError: 'open' });
      });
    }
  }

  it('that never settles has failed at its timeout', async () => {
    const { hooks, logs, counts, clock, session } = chain({
      plugin: 'a',
      hooks: { onRequest: () => new Promise(() => {}) },
    });
    let verdict: unknown = 'pending';
    void Promise.resolve(hooks.onRequest!(session)).then((late) => {
      verdict = late;
    });
    clock.advance(900);
    await turn();
    expect(verdict).to.equal('pending');
    clock.advance(100);
    await turn();
    expect(verdict).to.deep.equal(failed('a'));
    expect(counts).to.deep.equal({ 'outrigger_plugin_errors_total{a,onRequest}': 1 });
    expect(logs[0]!['error']).to.match(/^Error: onRequest did not settle within 1000 ms \(the plugin's timeout\)\n/);
  });

  it('is counted once, whatever its promise does after the timeout', async () => {
    const slow = Promise.withResolvers<Reject | undefined>();
    const { hooks, logs, clock, session } = chain(
      { plugin: 'a', hooks: { onRequest: () => slow.promise }, onError: 'open' },
      { plugin: 'b', hooks: { onRequest: () => reject(402, 'b') } },
    );
    const verdict = hooks.onRequest!(session);
    clock.advance(1_000);
    expect(await verdict).to.deep.include({ status: 402, plugin: 'b' });
    slow.reject(new Error('late'));
    await turn();
    expect(logs).to.have.length(1);
  });

  it('leaves no timer where its promise settles in time', async () => {
    const { hooks, logs, clock, session } = chain({ plugin: 'a', hooks: { onRequest: async () => undefined } });
    expect(await hooks.onRequest!(session)).to.equal(undefined);
    clock.advance(10_000);
    expect(logs).to.deep.equal([]);
  });

  it('onAccept may not be asynchronous', async () => {
    const { hooks, logs } = chain({
      plugin: 'a',
      hooks: { onAccept: (() => Promise.reject(new Error('unheard'))) as never },
    });
    expect(hooks.onAccept!(peer)).to.deep.equal(failed('a'));
    await turn();
    expect(logs[0]!['error']).to.match(/^TypeError: onAccept returned a promise; it must be synchronous\n/);
  });

  it('onAccept refuses by a verdict, and by garbage', () => {
    expect(chain({ plugin: 'a', hooks: { onAccept: () => reject(403, 'x') } }).hooks.onAccept!(peer)).to.deep.include({
      status: 403,
      plugin: 'a',
    });
    expect(chain({ plugin: 'a', hooks: { onAccept: (() => 1) as never } }).hooks.onAccept!(peer)).to.deep.equal(
      failed('a'),
    );
  });
});

describe('a failing void hook', () => {
  const call: Record<string, (hooks: ReturnType<typeof chain>['hooks'], session: Session) => void> = {
    onAttempt: (hooks, session) => hooks.onAttempt!(session, attempt),
    onOpen: (hooks, session) => hooks.onOpen!(session),
    onPong: (hooks, session) => hooks.onPong!(session, 'upstream', 1),
    onAttemptEnd: (hooks, session) => hooks.onAttemptEnd!(session, attempt),
    onSessionEnd: (hooks, session) => hooks.onSessionEnd!(session, outcome),
    onDisconnect: (hooks) => hooks.onDisconnect!(connection),
  };
  const throwing = () => {
    throw new Error('boom');
  };
  for (const hook of ['onAttempt', 'onOpen', 'onPong', 'onAttemptEnd', 'onSessionEnd', 'onDisconnect'] as const) {
    const ends = ['onAttempt', 'onOpen', 'onPong'].includes(hook);
    it(`${hook} ${ends ? 'closes its session' : 'is logged and counted alone'} where its plugin is closed`, () => {
      let others = 0;
      const { hooks, session, logs, counts } = chain(
        { plugin: 'a', hooks: { [hook]: () => void others++ } },
        { plugin: 'b', hooks: { [hook]: throwing } },
        { plugin: 'c', hooks: { [hook]: () => void others++ } },
      );
      call[hook]!(hooks, session);
      expect(session.closedWith).to.deep.equal(ends ? ['plugin:b'] : []);
      expect(others).to.equal(2);
      expect(counts).to.deep.equal({ [`outrigger_plugin_errors_total{b,${hook}}`]: 1 });
      expect(logs.map(({ message }) => message)).to.deep.equal([`${hook} of plugin b failed`]);
    });

    it(`${hook} leaves its session be where its plugin is open`, () => {
      const { hooks, session, logs } = chain({ plugin: 'b', hooks: { [hook]: throwing }, onError: 'open' });
      call[hook]!(hooks, session);
      expect(session.closedWith).to.deep.equal([]);
      expect(logs).to.have.length(1);
    });

    it(`${hook} that is async by mistake is contained`, async () => {
      const unhandled: unknown[] = [];
      const listener = (error: unknown) => void unhandled.push(error);
      process.on('unhandledRejection', listener);
      const { hooks, session, logs } = chain({ plugin: 'b', hooks: { [hook]: async () => throwing() } });
      call[hook]!(hooks, session);
      await turn();
      await turn();
      process.off('unhandledRejection', listener);
      expect(unhandled).to.deep.equal([]);
      expect(session.closedWith).to.deep.equal(ends ? ['plugin:b'] : []);
      expect(logs).to.have.length(1);
    });
  }

  it('may return what it likes', () => {
    const { hooks, session, logs } = chain({ plugin: 'a', hooks: { onOpen: () => [].push() as unknown as undefined } });
    hooks.onOpen!(session);
    expect(logs).to.deep.equal([]);
  });
});

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
