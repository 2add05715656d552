import { expect } from 'chai';
import { HOOKS, type Reject, reject, type Session } from '../src/index.ts';
import { attempt, chain, connection, type Entry, failed, message, outcome, peer } from './chains.ts';
import { turn } from './stand-ins.ts';

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
