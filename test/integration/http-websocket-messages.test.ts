import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ConnectionHooks, close, ignore, reject, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { Books } from '../support/books.ts';
import { HANDSHAKE, SWITCHING } from '../support/frames.ts';
import { exchange, statusOf } from '../support/raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { echoMessages, rawUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually, turns } from '../support/virtual-time.ts';

const SEED = Number(process.env['FC_SEED'] ?? Date.now() & 0x7fff_ffff);

const PLANES: Readonly<Record<string, ConnectionHooks>> = {
  frames: {},
  messages: { onMessage: () => undefined },
  'messages, with a hook that waits': { onMessage: () => new Promise<void>((resolve) => setImmediate(resolve)) },
};

/** What an endpoint may make of permessage-deflate; ws's server takes these. */
const DEFLATES: Readonly<Record<string, boolean | object>> = {
  'no compression': false,
  'context takeover': { threshold: 0 },
  'no context takeover': { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  'small windows': { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 9 },
};

let books: Books;
let upstream: Upstream & { readonly sockets?: Set<WebSocket> };
let sidecar: TestSidecar;
let client: WebSocket | undefined;

async function set(hooks: ConnectionHooks, options: Partial<SidecarOptions> = {}, deflate: boolean | object = false) {
  books = new Books();
  upstream = await webSocketUpstream(echoMessages, { perMessageDeflate: deflate });
  sidecar = await startSidecar({ endpoints: [upstream.address], hooks, plugins: [books.plugin], ...options });
}
async function open(deflate = false): Promise<WebSocket> {
  const opened = new WebSocket(sidecar.url.replace('http', 'ws'), { perMessageDeflate: deflate, maxPayload: 1 << 28 });
  client = opened;
  opened.on('error', () => {});
  await once(opened, 'open');
  return opened;
}
async function unset(): Promise<void> {
  client?.terminate();
  await books.balance(sidecar);
  await sidecar.stop();
  await upstream.stop();
}
async function closeOf(socket: WebSocket): Promise<readonly [number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}
async function echoed(socket: WebSocket, count: number): Promise<(readonly [Buffer, boolean])[]> {
  const got: (readonly [Buffer, boolean])[] = [];
  const listener = (data: unknown, binary: boolean) => got.push([data as Buffer, binary]);
  socket.on('message', listener);
  await eventually(() => got.length === count || socket.readyState > WebSocket.OPEN);
  socket.off('message', listener);
  return got;
}

for (const [plane, hooks] of Object.entries(PLANES)) {
  for (const [how, deflate] of Object.entries(DEFLATES)) {
    describe(`messages on the plane of ${plane}, with ${how}`, () => {
      before(() => set(hooks, {}, deflate));
      after(unset);

      it(`come back as they went, whatever they are and however they are fragmented (seed ${SEED})`, async () => {
        const socket = await open(deflate !== false);
        const message = fc.record({
          data: fc.oneof(
            fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
            fc.string({ unit: 'grapheme', maxLength: 200 }),
            fc.integer({ min: 0, max: 200_000 }).map((size) => Buffer.alloc(size, 'ab')),
          ),
          fragments: fc.integer({ min: 1, max: 4 }),
        });
        const property = fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 6 }), async (messages) => {
          const answers = echoed(socket, messages.length);
          for (const { data, fragments } of messages) {
            const bytes = Buffer.from(data as Buffer);
            const binary = typeof data !== 'string';
            const size = Math.ceil(bytes.length / fragments);
            for (let i = 0; i < fragments; i++) {
              const piece = bytes.subarray(i * size, (i + 1) * size);
              socket.send(piece, { binary, fin: i === fragments - 1 });
            }
          }
          for (const [i, [data, binary]] of (await answers).entries()) {
            expect(binary).to.equal(typeof messages[i]!.data !== 'string');
            expect(data.equals(Buffer.from(messages[i]!.data as Buffer)), `message ${i}`).to.equal(true);
          }
          expect((await answers).length).to.equal(messages.length);
        });
        await fc.assert(property, { seed: SEED, numRuns: 15 });
        socket.terminate();
      });

      // That a hook waits makes no difference to size.
      if (plane.includes('waits')) return;
      it('may be 16 MiB', async () => {
        const socket = await open(deflate !== false);
        const sent = Buffer.concat([randomBytes(1 << 20), Buffer.alloc((16 << 20) - (1 << 20), 'x')]);
        const answers = echoed(socket, 1);
        socket.send(sent);
        const [[got]] = (await answers) as [readonly [Buffer, boolean]];
        expect(got.equals(sent)).to.equal(true);
        socket.terminate();
      });
    });
  }
}

describe('onMessage', () => {
  afterEach(unset);

  it('drops, changes and lets pass, each message on its way', async () => {
    await set({
      onMessage(_, message) {
        if (message.from === 'upstream') return undefined;
        if (message.data.toString() === 'drop') return 'drop';
        message.data = Buffer.from(message.data.toString().toUpperCase());
        return undefined;
      },
    });
    const socket = await open();
    const answers = echoed(socket, 2);
    for (const text of ['a', 'drop', 'b']) socket.send(text);
    expect((await answers).map(([data]) => data.toString())).to.deep.equal(['A', 'B']);
  });

  for (const [how, hook] of [
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
  ] as const) {
    it(`that ${how} closes both sides with 1011, or is passed over where its plugin is open`, async () => {
      await set({ onMessage: hook });
      const socket = await open();
      const [server] = upstream.sockets!;
      const atServer = closeOf(server!);
      socket.send('x');
      expect((await closeOf(socket))[0]).to.equal(1011);
      expect((await atServer)[0]).to.equal(1011);
      await books.balance(sidecar);
      expect(books.causes).to.deep.equal(['plugin:probe']);
      await sidecar.stop();
      await upstream.stop();
      await set({ onMessage: hook }, { onError: 'open' });
      const again = await open();
      again.send('x');
      expect((await echoed(again, 1))[0]![0].toString()).to.equal('x');
    });
  }

  it('that closes later does so behind what was delivered, with its code and reason', async () => {
    let count = 0;
    await set({
      onMessage: (_, message) =>
        message.from === 'upstream' || ++count < 3
          ? undefined
          : new Promise((resolve) => setImmediate(() => resolve(close(4321, 'third')))),
    });
    const socket = await open();
    const answers = echoed(socket, 3);
    for (let i = 0; i < 5; i++) socket.send(`${i}`);
    expect(await closeOf(socket)).to.deep.equal([4321, 'third']);
    expect((await answers).length).to.be.at.most(2);
    await books.balance(sidecar);
    expect(books.outcomes[0]).to.include({ cause: 'plugin:probe', closeCodeSent: 4321, messagesReceived: 2 });
  });

  it('that never settles ends with 1011 at its timeout; a close waits behind it, and a departure does not', async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const never = () => {
      asked++;
      return new Promise<void>(() => {});
    };
    await set({ onMessage: never }, { clock, hookTimeout: 1_000 });
    const socket = await open();
    socket.send('x');
    socket.close(1000, 'bye');
    await eventually(() => asked === 1);
    await turns();
    expect(books.outcomes).to.have.length(0);
    clock.advance(1_100);
    expect((await closeOf(socket))[0]).to.equal(1011);
    await eventually(() => sidecar.runtime.sessions.size === 0);
    const other = await open();
    other.send('x');
    await eventually(() => asked === 2);
    other.terminate();
    await eventually(() => sidecar.runtime.sessions.size === 0);
    expect(books.causes[1]).to.match(/^downstream-/);
  });
});

describe('a WebSocket and its hooks', () => {
  afterEach(unset);

  for (const hook of ['onUpgrade', 'onResponse'] as const) {
    it(`is refused by ${hook}, at once or later, with its status`, async () => {
      for (const run of [() => reject(403, 'no'), () => Promise.resolve(reject(403, 'no'))]) {
        await set({ [hook]: run });
        expect(
          statusOf(await exchange(sidecar.port, HANDSHAKE.replace('Connection: ', 'Connection: close, '))),
        ).to.equal(403);
        await books.balance(sidecar);
        if (books.causes[0] !== 'plugin:probe') throw new Error(books.causes[0]);
        await sidecar.stop();
        await upstream.stop();
      }
      await set({});
    });
  }

  for (const plane of ['frames', 'messages', 'bytes'] as const) {
    it(`may be closed in onOpen, and ends once (${plane})`, async () => {
      await set(
        { onOpen: (session) => session.close('expired'), ...(plane === 'messages' ? PLANES['messages'] : {}) },
        plane === 'bytes' ? { listener: { websocket: { plane } } } : {},
      );
      client = new WebSocket(sidecar.url.replace('http', 'ws'));
      client.on('error', () => {});
      const [code] = await closeOf(client);
      expect(code).to.equal(plane === 'bytes' ? 1006 : 1008);
      await books.balance(sidecar);
      expect(books.causes).to.deep.equal(['expired']);
    });
  }

  it('that they ignore keeps its frames, and its compression is between its two ends', async () => {
    const seen: string[] = [];
    const see = (hook: string) => () => void seen.push(hook);
    await set(
      {
        onRequest: ({ request }) => (request.query === 'ours' ? undefined : ignore),
        onOpen: see('onOpen'),
        onMessage: see('onMessage') as never,
        onSessionEnd: see('onSessionEnd'),
      },
      {},
      true,
    );
    const offers: (string | undefined)[] = [];
    for (const query of ['theirs', 'ours']) {
      const socket = new WebSocket(`${sidecar.url.replace('http', 'ws')}/?${query}`, {
        perMessageDeflate: { clientMaxWindowBits: 9 },
      });
      client = socket;
      await once(socket, 'open');
      offers.push(socket.extensions);
      const [answer] = await Promise.all([once(socket, 'message'), socket.send(query)]);
      expect(String(answer[0])).to.equal(query);
      socket.close();
      await once(socket, 'close');
      await eventually(() => books.causes.length === offers.length);
      if (query === 'theirs') expect(seen).to.deep.equal([]);
    }
    expect(seen).to.deep.equal(['onOpen', 'onMessage', 'onMessage', 'onSessionEnd']);
    expect(offers[0]).to.equal('permessage-deflate');
  });

  it('is closed with 1001 on both sides when the sidecar drains, at the rate that is allowed', async () => {
    await set({}, { drain: { timeout: 10_000, rate: 100 } });
    const sockets = await Promise.all(Array.from({ length: 15 }, () => open()));
    const codes = Promise.all(sockets.map(closeOf));
    const atServers = Promise.all([...upstream.sockets!].map(closeOf));
    await sidecar.runtime.drain();
    expect((await codes).map(([code]) => code)).to.deep.equal(new Array(15).fill(1001));
    expect((await atServers).map(([code]) => code)).to.deep.equal(new Array(15).fill(1001));
    await books.balance(sidecar);
    expect(new Set(books.causes)).to.deep.equal(new Set(['drain']));
  });

  it('outlives a side that leaves while a message is being compressed for the other', async () => {
    await set(PLANES['messages']!, {}, { threshold: 0 });
    for (let i = 0; i < 5; i++) {
      const socket = await open(true);
      const [server] = upstream.sockets!;
      const received = once(server!, 'message');
      received.catch(() => {});
      socket.send(Buffer.concat([randomBytes(1 << 20), Buffer.alloc(8 << 20)]));
      await eventually(() => socket.bufferedAmount === 0);
      for (let turn = 0; turn < i * 15; turn++) await turns(1);
      socket.terminate();
      await eventually(() => sidecar.runtime.sessions.size === 0 && upstream.sockets!.size === 0);
    }
    const socket = await open(true);
    socket.send('alive');
    expect((await echoed(socket, 1))[0]![0].toString()).to.equal('alive');
  });

  for (const [what, extensions] of [
    ['a parameter that does not exist', 'permessage-deflate; foo=1'],
    ['a window that does not exist', 'permessage-deflate; server_max_window_bits=99'],
    ['an extension that was not offered', 'bbf-usp-protocol'],
    ['something that is no extension', ';;,'],
  ] as const) {
    it(`is answered 502 where the endpoint agrees on ${what}`, async () => {
      await set({});
      await sidecar.stop();
      await upstream.stop();
      upstream = await rawUpstream((socket) =>
        socket.write(SWITCHING.replace(/\r\n\r\n$/, `\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`)),
      );
      books = new Books();
      sidecar = await startSidecar({
        endpoints: [upstream.address],
        hooks: PLANES['messages']!,
        plugins: [books.plugin],
      });
      const offer = 'Sec-WebSocket-Extensions: permessage-deflate\r\nConnection: close, ';
      expect(statusOf(await exchange(sidecar.port, HANDSHAKE.replace('Connection: ', offer)))).to.equal(502);
      await books.balance(sidecar);
      expect(books.causes).to.deep.equal(['upstream-handshake']);
    });
  }
});
