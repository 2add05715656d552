import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { AdminRoute } from '@outrigger/core';
import { expect } from 'chai';
import { EventReader } from '../page/data/event-reader.ts';
import { type SetUp, setUp } from './stand-ins.ts';

interface Event {
  readonly name: string;
  readonly data: unknown;
}

/** Reads the events of a stream one by one. */
class Events {
  readonly #events: Event[] = [];
  readonly #reader = new EventReader((name, data) => this.#events.push({ name, data: JSON.parse(data) }));
  readonly #pieces: AsyncIterator<string>;
  text = '';

  constructor(response: Response) {
    this.#pieces = response.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  async next(): Promise<Event | undefined> {
    while (this.#events.length === 0) if (!(await this.piece())) return undefined;
    return this.#events.shift();
  }

  /** Reads what comes next, whatever it is. False at the end. */
  async piece(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done) return false;
    this.text += value;
    this.#reader.read(value);
    return true;
  }
}

describe('the live stream', () => {
  let one: SetUp;
  let asked = 0;
  let answer: object | string = { n: 1 };
  const counted: AdminRoute = {
    method: 'GET',
    path: '/counted',
    doc: '',
    serve({ query }) {
      asked++;
      if (query.has('fails')) throw new Error('no luck');
      return { body: query.has('echo') ? { echo: query.get('echo') } : answer };
    },
  };
  const endless: AdminRoute = {
    method: 'GET',
    path: '/endless',
    doc: '',
    async serve({ signal }) {
      async function* all() {
        try {
          while (!signal.aborted) {
            asked++;
            yield 'x'.repeat(64 << 10);
          }
        } finally {
          returned = true;
        }
      }
      return { body: all() };
    },
  };
  let returned = false;

  beforeEach(async () => {
    asked = 0;
    returned = false;
    answer = { n: 1 };
    one = setUp({ admin: { bind: '127.0.0.1:0' } }, [], [counted, endless]);
    await one.start();
  });
  afterEach(async () => {
    const stopping = one.stop();
    one.clock.advance(1_100);
    await stopping;
  });

  const url = (path: string) => `http://${one.sidecar.addresses.get('admin')}${path}`;
  const follow = async (query: string, init: RequestInit = {}) => new Events(await fetch(url(`/live?${query}`), init));
  /** Lets the stream arm its timer, then moves the clock: until another look was taken. */
  async function look(): Promise<void> {
    const before = asked;
    while (asked === before) {
      one.clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('sends what the paths answer at first, and whenever it has changed', async () => {
    const events = await follow('path=/counted&path=/readyz');
    expect(await events.next()).to.deep.equal({ name: '/counted', data: { n: 1 } });
    expect(await events.next()).to.deep.equal({ name: '/readyz', data: { status: 'ready' } });
    await look();
    answer = { n: 2 };
    await look();
    expect(await events.next()).to.deep.equal({ name: '/counted', data: { n: 2 } });
  });

  it('asks as often as it is told, and hands queries on', async () => {
    const events = await follow(`path=${encodeURIComponent('/counted?echo=a%20b')}&every=5`);
    expect(await events.next()).to.deep.equal({ name: '/counted?echo=a%20b', data: { echo: 'a b' } });
    expect(asked).to.equal(1);
    const before = one.clock.now();
    await look();
    expect(one.clock.now() - before).to.be.within(4_900, 5_300);
  });

  it('is text/event-stream that nothing keeps', async () => {
    const response = await fetch(url('/live?path=/readyz'));
    expect([response.headers.get('content-type'), response.headers.get('cache-control')]).to.deep.equal([
      'text/event-stream; charset=utf-8',
      'no-store',
    ]);
    await response.body!.cancel();
  });

  it('says with a comment that it still holds', async () => {
    const events = await follow('path=/counted');
    await events.next();
    for (let n = 0; n < 5; n++) await look();
    await events.piece();
    expect(events.text).to.match(/\n:\n\n$/);
  });

  for (const [query, status, error] of [
    ['path=/nope', 404, 'there is no GET /nope to follow'],
    ['path=/drain', 404, 'there is no GET /drain to follow'],
    ['path=/live', 404, 'there is no GET /live to follow'],
    ['', 400, '0 paths; expected 1 to 16 of ?path=/clusters'],
    [Array.from({ length: 17 }, (_, n) => `path=/counted?${n}`).join('&'), 400, '17 paths; expected 1 to 16'],
    ['path=/counted&every=0', 400, 'every is "0"; expected seconds from 1 to 60'],
    ['path=/counted&every=soon', 400, 'every is "soon"'],
  ] as const) {
    it(`refuses ?${query.slice(0, 40)} with ${status}`, async () => {
      const response = await fetch(url(`/live?${query}`));
      expect(response.status).to.equal(status);
      expect(((await response.json()) as { error: string }).error).to.include(error);
      expect(asked).to.equal(0);
    });
  }

  it('has a bound: beyond 100 streams it says what to do, until one of them has gone', async () => {
    const [first, ...others] = Array.from({ length: 100 }, () => new AbortController());
    for (const { signal } of [first!, ...others]) await (await follow('path=/readyz', { signal })).next();
    const response = await fetch(url('/live?path=/readyz'));
    expect(response.status).to.equal(503);
    expect(((await response.json()) as { error: string }).error).to.match(/^100 streams are open, .*: close some of/);
    // What is no stream is answered as ever.
    expect((await fetch(url('/readyz'))).status).to.equal(200);
    first!.abort();
    let status: number;
    do {
      const again = await fetch(url('/live?path=/readyz'));
      ({ status } = again);
      await again.body!.cancel();
    } while (status === 503);
    expect(status).to.equal(200);
    for (const one of others) one.abort();
  });

  it('goes on where one path fails, and tells of it', async () => {
    const events = await follow('path=/counted?fails&path=/page/nope&path=/readyz');
    expect(await events.next()).to.deep.equal({ name: '/counted?fails', data: { error: 'no luck' } });
    expect((await events.next())?.data).to.have.property('error');
    expect((await events.next())?.name).to.equal('/readyz');
  });

  it('asks nothing any more when nobody listens', async () => {
    const leaving = new AbortController();
    const events = await follow('path=/counted', { signal: leaving.signal });
    await events.next();
    const closed = new Promise<void>((resolve) => {
      one.sidecar.adminRoutes = [
        ...one.sidecar.adminRoutes.filter(({ path }) => path !== '/counted'),
        {
          ...counted,
          serve: (request) => {
            request.signal.addEventListener('abort', () => resolve());
            return counted.serve(request);
          },
        },
      ];
    });
    await look();
    leaving.abort();
    await closed;
    const before = asked;
    one.clock.advance(60_000);
    await (await fetch(url('/readyz'))).text();
    expect(asked).to.equal(before);
  });

  it('goes on through a drain, and ends with an event of its own', async () => {
    const events = await follow('path=/readyz');
    await events.next();
    one.sidecar.state = 'draining';
    const draining = events.next();
    let told = false;
    void draining.then(() => {
      told = true;
    });
    while (!told) {
      one.clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await draining).to.deep.equal({ name: '/readyz', data: { status: 'draining' } });
    // No clock is moved: the end waits for no timer.
    await one.stop();
    expect(await events.next()).to.deep.equal({ name: 'end', data: {} });
    expect(await events.next()).to.equal(undefined);
  });

  it('is read no faster than the client does, who holds up no end', async () => {
    const [host, port] = one.sidecar.addresses.get('admin')!.split(':') as [string, string];
    const socket = createConnection({ host, port: Number(port) }).pause();
    await once(socket, 'connect');
    socket.write('GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    let before = -1;
    // Until the buffers of both sides are full.
    while (asked === 0 || asked !== before) {
      before = asked;
      for (let n = 0; n < 20; n++) await (await fetch(url('/readyz'))).text();
    }
    expect(asked).to.be.below(1_000);
    const stopping = one.stop();
    one.clock.advance(1_100);
    await stopping;
    socket.destroy();
    while (!returned) await new Promise((resolve) => setImmediate(resolve));
  });
});
