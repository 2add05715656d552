import { type ConnectionHooks, ignore, reject, type Session, VirtualClock, WheelClock } from '@outrigger/core';
import { expect } from 'chai';
import { Books } from '../support/books.ts';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type RawUpstream, rawUpstream } from '../support/upstreams.ts';
import { eventually, turns } from '../support/virtual-time.ts';

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const VERDICTS = ['onRequest', 'onRoute', 'onResponse'] as const;
const MOMENTS = ['onRequest', 'onRoute', 'onAttempt', 'onAttemptEnd', 'onResponse', 'onSessionEnd'] as const;

describe('a hook', () => {
  let books: Books;
  let clock: VirtualClock;
  let upstream: RawUpstream;
  let sidecar: TestSidecar;
  let client: RawClient;

  async function set(hooks: ConnectionHooks, options: Partial<SidecarOptions> = {}): Promise<void> {
    books = new Books();
    clock = new VirtualClock();
    upstream = await rawUpstream((socket, all) => all.endsWith('abc') && socket.write(OK));
    sidecar = await startSidecar({
      endpoints: [upstream.address],
      hooks,
      plugins: [books.plugin],
      clock,
      hookTimeout: 1_000,
      ...options,
    });
    client = await RawClient.connect(sidecar.port);
  }
  afterEach(async () => {
    client.destroy();
    await books.balance(sidecar);
    await sidecar.stop();
    await upstream.stop();
  });
  const answer = async (request = POST) => {
    client.send(request);
    return client.untilEnd();
  };
  const later = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('that holds up the event loop and rejects is seen in how long the session took', async () => {
    const onRequest = () => {
      const began = performance.now();
      while (performance.now() - began < 5);
      return reject(403, 'no');
    };
    await set({ onRequest }, { clock: new WheelClock((error) => expect.fail(String(error))) });
    expect(statusOf(await answer())).to.equal(403);
    expect(books.outcomes[0]!.durationMs).to.be.at.least(5);
  });

  for (const hook of VERDICTS) {
    for (const [how, run] of [
      ['at once', () => reject(403, 'no', { 'x-why': 'so' })],
      ['later', async () => later().then(() => reject(403, 'no', { 'x-why': 'so' }))],
    ] as const) {
      it(`${hook} that rejects ${how} is answered with its status, its headers and its text, framed rightly`, async () => {
        await set({ [hook]: run });
        const text = await answer();
        expect(statusOf(text)).to.equal(403);
        expect(text).to.match(/\r\nx-why: so\r\n/);
        expect(text).to.match(/\r\ncontent-length: 3\r\n[\s\S]*\r\n\r\nno\n$/);
        expect(books.causes).to.deep.equal(['plugin:probe']);
        expect(upstream.received === '').to.equal(hook !== 'onResponse');
      });
    }

    for (const [how, run] of [
      [
        'throws',
        () => {
          throw new Error('boom');
        },
      ],
      [
        'rejects its promise',
        async () => {
          await later();
          throw new Error('boom');
        },
      ],
      ['returns what is no verdict', () => 'what' as never],
    ] as const) {
      it(`${hook} that ${how} is answered 500, or passed over where its plugin is open`, async () => {
        await set({ [hook]: run });
        expect(statusOf(await answer())).to.equal(500);
        expect(books.causes).to.deep.equal(['plugin:probe']);
        await sidecar.stop();
        await upstream.stop();
        await set({ [hook]: run }, { onError: 'open' });
        expect(statusOf(await answer())).to.equal(200);
      });
    }

    for (const [how, run] of [
      ['at once', () => ignore],
      ['later', async () => later().then(() => ignore)],
    ] as const) {
      it(`${hook} that ignores the session ${how} is the last one asked: of the others all are`, async () => {
        const seen: string[] = [];
        const all = Object.fromEntries(MOMENTS.map((moment) => [moment, () => void seen.push(moment)]));
        const verdict = () => {
          seen.push(hook);
          return run();
        };
        await set({ ...all, [hook]: verdict });
        expect(statusOf(await answer())).to.equal(200);
        expect(seen).to.deep.equal(MOMENTS.slice(0, MOMENTS.indexOf(hook) + 1));
        expect(books.causes).to.deep.equal(['complete']);
      });
    }

    it(`${hook} that never settles is answered 500 at its timeout; what it says later is ignored`, async () => {
      let settle: ((verdict: unknown) => void) | undefined;
      await set({
        [hook]: () =>
          new Promise((resolve) => {
            settle = resolve as never;
          }),
      });
      client.send(POST);
      await eventually(() => settle !== undefined);
      clock.advance(1_100);
      expect(statusOf(await client.untilEnd())).to.equal(500);
      settle!(reject(403, 'late'));
      await turns();
      expect(client.received).to.not.include('late');
    });

    it(`${hook} that waits while the client leaves ends the session once, and is not asked again`, async () => {
      let settle: (() => void) | undefined;
      let signal: AbortSignal | undefined;
      let calls = 0;
      await set({
        [hook]: (session: Session) => {
          calls++;
          ({ signal } = session);
          return new Promise<void>((resolve) => {
            settle = resolve;
          });
        },
      });
      client.send(hook === 'onResponse' ? POST : POST.replace('Content-Length: 3\r\n\r\nabc', '\r\n'));
      await eventually(() => settle !== undefined);
      expect(signal!.aborted).to.equal(false);
      client.socket.resetAndDestroy();
      await sidecar.runtime.sessions.none();
      expect(signal!.aborted).to.equal(true);
      settle!();
      await turns();
      expect(calls).to.equal(1);
      expect(books.causes[0]).to.match(/^downstream-(reset|closed)$/);
    });
  }

  for (const moment of MOMENTS) {
    for (const response of ['plain', 'with an onResponse that waits'] as const) {
      it(`${moment} that closes the session ends it with that cause, and nothing goes on (${response})`, async () => {
        await set({
          ...(response === 'plain' ? {} : { onResponse: later }),
          [moment]: (session: Session) => {
            session.close('expired');
            session.close('drain');
          },
        });
        const text = await answer();
        await books.balance(sidecar);
        const over = moment === 'onSessionEnd';
        expect(statusOf(text)).to.equal(over ? 200 : 401);
        expect(text.match(/HTTP\/1\.1 /g)).to.have.length(1);
        expect(books.causes).to.deep.equal([over ? 'complete' : 'expired']);
        const up = ['onAttemptEnd', 'onResponse', 'onSessionEnd'].includes(moment);
        expect(upstream.received !== '', 'something went up').to.equal(up);
      });
    }
  }

  it('that throws where it has no verdict ends the session, or not where its plugin is open', async () => {
    const boom = () => {
      throw new Error('boom');
    };
    for (const onError of ['closed', 'open'] as const) {
      await set({ onAttempt: boom, onAttemptEnd: boom, onSessionEnd: boom, onDisconnect: boom }, { onError });
      expect(statusOf(await answer())).to.equal(onError === 'closed' ? 500 : 200);
      await books.balance(sidecar);
      if (onError === 'open') return;
      await sidecar.stop();
      await upstream.stop();
    }
  });

  it('keeps the body out of the way while our answer to it waits for onResponse', async () => {
    let settle: (() => void) | undefined;
    await set({
      onResponse: () =>
        new Promise<void>((resolve) => {
          settle = resolve;
        }),
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabd\r\n');
    await eventually(() => upstream.received.includes('abd'));
    for (const socket of upstream.open) socket.resetAndDestroy();
    await eventually(() => settle !== undefined);
    client.send('3\r\nabc\r\n0\r\n\r\n');
    await turns();
    settle!();
    expect(statusOf(await client.untilEnd())).to.equal(502);
  });

  it('that thinks about a response whose endpoint resets meanwhile never makes its body complete', async () => {
    let settle: (() => void) | undefined;
    await set({
      onResponse: () =>
        new Promise<void>((resolve) => {
          settle = resolve;
        }),
    });
    await upstream.stop();
    await sidecar.stop();
    upstream = await rawUpstream((socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nabc'));
    books = new Books();
    sidecar = await startSidecar({
      endpoints: [upstream.address],
      plugins: [books.plugin],
      hooks: {
        onResponse: () =>
          new Promise<void>((resolve) => {
            settle = resolve;
          }),
      },
    });
    client = await RawClient.connect(sidecar.port);
    client.send(POST);
    await eventually(() => settle !== undefined);
    const [socket] = upstream.open;
    socket!.resetAndDestroy();
    await eventually(() => upstream.open.size === 0);
    await turns();
    settle!();
    expect(await client.untilEnd()).to.not.match(/0\r\n\r\n$/);
    expect(books.causes).to.deep.equal(['upstream-aborted']);
  });

  it('can refuse a connection, at once or later, and is told of its end once', async () => {
    for (const onConnection of [() => reject(403, 'no'), async () => later().then(() => reject(403, 'no'))]) {
      await set({ onConnection });
      client.send(POST);
      expect(await client.untilEnd()).to.equal('');
      await books.balance(sidecar);
      if (onConnection.constructor.name === 'AsyncFunction') return;
      await sidecar.stop();
      await upstream.stop();
    }
  });

  it('sets what one attempt alone carries', async () => {
    await set({
      onAttempt: (_, attempt) => {
        attempt.headers.set('x-try', `${attempt.number}`);
        attempt.headers.set('content-length', '99');
        attempt.headers.remove('x-gone');
      },
    });
    await answer(POST.replace('Host: a', 'Host: a\r\nX-Gone: 1\r\nX-Try: 0'));
    expect(upstream.received)
      .to.match(/\r\nx-try: 1\r\n/)
      .and.to.not.match(/X-Gone|: 99|X-Try: 0/);
  });

  it('sets and moves expiresAt, and the session ends with expired', async () => {
    let session: Session | undefined;
    await set({
      onRequest: (one) => {
        session = one;
        one.expiresAt = clock.wallTime() + 1_000;
      },
    });
    client.send(POST.replace('Content-Length: 3\r\n\r\nabc', 'Content-Length: 4\r\n\r\nabcd'));
    await eventually(() => upstream.received.endsWith('abcd'));
    session!.expiresAt = clock.wallTime() + 5_000;
    clock.advance(4_900);
    await turns();
    expect(client.received).to.equal('');
    clock.advance(200);
    expect(statusOf(await client.untilEnd())).to.equal(401);
    expect(books.causes).to.deep.equal(['expired']);
  });
});
