import { once } from 'node:events';
import { type Cause, type ConnectionHooks, close, type Outcome } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Books } from '../support/books.ts';
import { countingMetrics } from '../support/counting-metrics.ts';
import { frame, framesOfSoFar, HANDSHAKE, SWITCHING } from '../support/frames.ts';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { type SidecarOptions, startSidecar } from '../support/sidecar.ts';
import { rawUpstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually, passUntil, turns } from '../support/virtual-time.ts';
import { SIDES, WebSocketPair } from '../support/websocket-pair.ts';

type Codes = Pick<
  Outcome,
  'closeCodeSent' | 'closeCodeReceived' | 'upstreamCloseCodeSent' | 'upstreamCloseCodeReceived'
>;

interface Case {
  readonly what: string;
  readonly cause: Cause;
  readonly initiator: Outcome['initiator'];
  /** To and from the client, to and from the endpoint; 0 where no Close went. */
  readonly codes: readonly [number, number, number, number];
  readonly plugin?: string;
  readonly hooks?: ConnectionHooks;
  readonly options?: Partial<SidecarOptions>;
  /** What has to happen for it. Who gets a Close answers it, unless `answers` is false. */
  readonly happens: (pair: WebSocketPair) => unknown;
  readonly answers?: false;
}

const MESSAGES: ConnectionHooks = { onMessage: () => undefined };
const SMALL: Partial<SidecarOptions> = { listener: { websocket: { maxMessageSize: 1_000 } } };
const closeFrame = (code: number, masked: boolean) => frame(8, Buffer.from([code >> 8, code & 255]), { masked });
const CODES = ['closeCodeSent', 'closeCodeReceived', 'upstreamCloseCodeSent', 'upstreamCloseCodeReceived'] as const;

/** What may wait for a reader before its writer is paused. */
const HIGH_WATER = 64 * 1024;

/** Sends from one side until the other, which does not read, holds it up. */
async function fill(pair: WebSocketPair, from: 'downstream' | 'upstream'): Promise<void> {
  const socket = from === 'downstream' ? pair.client.socket : pair.server;
  const to = from === 'downstream' ? 'upstream' : 'downstream';
  const piece = frame(2, Buffer.alloc(256 * 1024), { masked: from === 'downstream' });
  while (pair.session.websocket!.buffered(to) < HIGH_WATER) {
    socket.write(piece);
    await turns(1);
  }
}

/** Both sides answer a Close with its code, once. */
function answerCloses(pair: WebSocketPair): () => void {
  const answered = new Set<string>();
  return () => {
    for (const side of SIDES) {
      const last = framesOfSoFar(pair.at(side)).at(-1);
      if (answered.has(side) || last?.opcode !== 8) continue;
      answered.add(side);
      pair.send(side, closeFrame(last.payload.readUInt16BE(0), side === 'downstream'));
    }
  };
}

const cases: readonly Case[] = [
  {
    what: 'the client closes',
    cause: 'complete',
    initiator: 'downstream',
    codes: [1000, 1000, 1000, 1000],
    happens: (pair) => pair.send('downstream', closeFrame(1000, true)),
  },
  {
    what: 'the endpoint closes',
    cause: 'complete',
    initiator: 'upstream',
    codes: [4001, 4001, 4001, 4001],
    happens: (pair) => pair.send('upstream', closeFrame(4001, false)),
  },
  {
    what: 'the client leaves without a word',
    cause: 'downstream-closed',
    initiator: 'downstream',
    codes: [0, 0, 0, 0],
    happens: (pair) => pair.client.socket.end(),
  },
  {
    what: 'the client resets',
    cause: 'downstream-reset',
    initiator: 'downstream',
    codes: [0, 0, 0, 0],
    happens: (pair) => pair.client.socket.resetAndDestroy(),
  },
  {
    what: 'the endpoint leaves without a word',
    cause: 'upstream-closed',
    initiator: 'upstream',
    codes: [0, 0, 0, 0],
    happens: (pair) => pair.server.end(),
  },
  {
    what: 'the endpoint resets',
    cause: 'upstream-closed',
    initiator: 'upstream',
    codes: [0, 0, 0, 0],
    happens: (pair) => pair.server.resetAndDestroy(),
  },
  ...SIDES.flatMap((side): Case[] => {
    const masked = side === 'downstream';
    const who = masked ? 'the client' : 'the endpoint';
    const both = (code: number): Case['codes'] => (masked ? [code, 0, code, code] : [code, code, code, 0]);
    return [
      {
        what: `${who} breaks the protocol`,
        cause: `${side}-websocket-protocol`,
        initiator: side,
        codes: both(1002),
        happens: (pair) => pair.send(side, frame(3, '', { masked })),
      },
      {
        what: `${who} sends text that is not UTF-8`,
        cause: `${side}-websocket-utf8`,
        initiator: side,
        codes: both(1007),
        hooks: MESSAGES,
        happens: (pair) => pair.send(side, frame(1, Buffer.from([0xff]), { masked })),
      },
      ...([{}, MESSAGES] as const).map(
        (hooks, i): Case => ({
          what: `${who} announces a message over maxMessageSize (${i === 0 ? 'frames' : 'messages'})`,
          cause: `${side}-websocket-too-big`,
          initiator: side,
          codes: both(1009),
          hooks,
          options: SMALL,
          // The head alone: nobody waits for the rest.
          happens: (pair) => pair.send(side, frame(2, Buffer.alloc(1_001), { masked }).subarray(0, masked ? 8 : 4)),
        }),
      ),
      {
        what: `${who} does not answer a ping`,
        cause: `${side}-pong-timeout`,
        initiator: side,
        codes: masked ? [0, 0, 1001, 1001] : [1011, 1011, 0, 0],
        options: { keepalive: { websocket: { interval: Number.POSITIVE_INFINITY, timeout: 1_000 } }, ...legOf(side) },
        happens: () => {},
      },
      {
        what: `${who} stops reading`,
        cause: `${side}-write-timeout`,
        initiator: side,
        codes: masked ? [0, 0, 1001, 1001] : [1011, 1011, 0, 0],
        options: { listener: { timeouts: { write: 2_000 } } },
        happens: async (pair) => {
          (masked ? pair.client.socket : pair.server).pause();
          await fill(pair, masked ? 'upstream' : 'downstream');
        },
      },
    ];
  }),
  {
    what: 'the endpoint does not answer a Close of the client',
    cause: 'close-timeout',
    initiator: 'sidecar',
    codes: [0, 1000, 1000, 0],
    answers: false,
    happens: (pair) => pair.send('downstream', closeFrame(1000, true)),
  },
  {
    what: 'its credential expires',
    cause: 'expired',
    initiator: 'sidecar',
    codes: [1008, 1008, 1008, 1008],
    happens: (pair) => {
      pair.session.expiresAt = pair.clock.wallTime() + 1_000;
    },
  },
  {
    what: 'it carries nothing for idleTimeout',
    cause: 'idle-timeout',
    initiator: 'sidecar',
    codes: [1001, 1001, 1001, 1001],
    options: { keepalive: { idleTimeout: 5_000 } },
    happens: () => {},
  },
  {
    what: 'it reaches maxAge',
    cause: 'max-age',
    initiator: 'sidecar',
    codes: [1001, 1001, 1001, 1001],
    options: { keepalive: { maxAge: 5_000 } },
    happens: () => {},
  },
  {
    what: 'somebody closes it on the admin address',
    cause: 'admin-closed',
    initiator: 'sidecar',
    codes: [4000, 4000, 4000, 4000],
    happens: (pair) => pair.session.close('admin-closed', 4000, 'bye'),
  },
  {
    what: 'a plugin closes it by its control, within a hook',
    cause: 'plugin:probe',
    plugin: 'probe',
    initiator: 'sidecar',
    codes: [4002, 4002, 4002, 4002],
    hooks: { onMessage: ({ websocket }) => websocket!.close('downstream', 4002) },
    happens: (pair) => pair.send('downstream', frame(1, 'x', { masked: true })),
  },
  {
    what: 'a plugin closes it by its control, at another time',
    cause: 'plugin-closed',
    initiator: 'sidecar',
    codes: [4002, 4002, 4002, 4002],
    happens: (pair) => pair.session.websocket!.close('downstream', 4002),
  },
  {
    what: 'a plugin closes it for a message',
    cause: 'plugin:probe',
    plugin: 'probe',
    initiator: 'sidecar',
    codes: [4003, 4003, 4003, 4003],
    hooks: { onMessage: () => close(4003, 'no') },
    happens: (pair) => pair.send('downstream', frame(1, 'x', { masked: true })),
  },
  {
    what: 'a plugin fails',
    cause: 'plugin:probe',
    plugin: 'probe',
    initiator: 'sidecar',
    codes: [1011, 1011, 1011, 1011],
    hooks: {
      onPong: () => {
        throw new Error('no');
      },
    },
    happens: async (pair) => {
      pair.session.websocket!.ping('downstream');
      await eventually(() => pair.at('downstream').length > 2);
      pair.send('downstream', frame(10, pair.at('downstream').subarray(2), { masked: true }));
    },
  },
  {
    what: 'the sidecar drains',
    cause: 'drain',
    initiator: 'sidecar',
    codes: [1001, 1001, 1001, 1001],
    happens: (pair) => void pair.sidecar.runtime.drain(),
  },
  {
    what: 'the drain is over before its turn',
    cause: 'drain-deadline',
    initiator: 'sidecar',
    codes: [1001, 0, 1001, 0],
    options: { drain: { timeout: 0 } },
    answers: false,
    happens: (pair) => {
      pair.session.close = () => {};
      void pair.sidecar.runtime.drain();
    },
  },
  {
    what: 'a reload changes its route',
    cause: 'route-changed',
    initiator: 'sidecar',
    codes: [1012, 1012, 1012, 1012],
    options: { onChange: 'drain' },
    happens: (pair) =>
      pair.sidecar.reload({ endpoints: [pair.upstream.address], route: { other: true }, onChange: 'drain' }),
  },
];

function legOf(side: 'downstream' | 'upstream'): Partial<SidecarOptions> {
  const section = { keepalive: { interval: 5_000, timeout: 1_000 } };
  return side === 'downstream' ? { listener: section } : { cluster: section };
}

/** As a log line has them, where no Close went: left out. */
const shown = (codes: Case['codes']) => codes.map((code) => (code === 0 ? undefined : code));

describe('a WebSocket that ends', () => {
  it('does so for at least 20 causes, each of which this page can tell apart', () => {
    expect(new Set(cases.map(({ cause }) => cause)).size).to.be.at.least(20);
    expect(new Set(cases.map(({ what }) => what)).size).to.equal(cases.length);
  });

  for (const { what, cause, initiator, codes, plugin, hooks, options, happens, answers } of cases) {
    it(`because ${what}: ${cause}, by ${initiator}`, async () => {
      const pair = new WebSocketPair();
      const counted: string[] = [];
      await pair.open(hooks, { ...options, plugins: [countingMetrics(counted)] });
      await happens(pair);
      const answer = answerCloses(pair);
      await passUntil(
        pair.clock,
        () => pair.books.outcomes.length > 0,
        () => {
          if (answers !== false) answer();
        },
      );
      const [outcome] = pair.books.outcomes as [Outcome];
      expect(outcome).to.include({ cause, initiator, plugin, generation: 1, status: 101 });
      expect(CODES.map((name) => (outcome as Codes)[name])).to.deep.equal(shown(codes));

      const line = pair.sidecar.logs.find(({ message }) => message === 'websocket closed')!;
      expect(line).to.include({
        level: cause === 'complete' ? 'debug' : 'info',
        cause,
        initiator,
        plugin,
        generation: 1,
        listener: 'inbound',
        cluster: 'app',
        endpoint: pair.upstream.address,
      });
      expect(Object.values(line['codes'] as object)).to.deep.equal(shown(codes));
      expect(counted).to.include(`outrigger_websocket_closes_total inbound ${cause} ${initiator}`);
      await pair.close();
    });
  }
});

describe('a WebSocket that never opens', () => {
  const refusals: readonly (readonly [
    cause: Cause,
    status: number,
    answer: string | undefined,
    options?: Partial<SidecarOptions>,
  ])[] = [
    ['no-endpoint', 503, undefined, { endpoints: [] }],
    ['connect-refused', 502, undefined, { endpoints: ['127.0.0.1:1'] }],
    ['upstream-reset', 502, undefined],
    ['upstream-malformed', 502, 'what?\r\n\r\n'],
    ['upstream-handshake', 502, SWITCHING.replace('s3pP', 'xxxx')],
    ['plugin:probe', 403, undefined, { hooks: { onUpgrade: () => ({ kind: 'reject', status: 403, reason: 'no' }) } }],
  ];
  for (const [cause, status, answer, options] of refusals) {
    it(`is answered with ${status}: ${cause}`, async () => {
      const books = new Books();
      const upstream = await rawUpstream((socket) => (answer === undefined ? socket.destroy() : socket.write(answer)));
      const sidecar = await startSidecar({ endpoints: [upstream.address], plugins: [books.plugin], ...options });
      const client = await RawClient.connect(sidecar.port);
      client.send(HANDSHAKE);
      await client.until((text) => text.includes('\r\n\r\n'));
      expect(statusOf(client.received)).to.equal(status);
      expect(books.causes).to.deep.equal([cause]);
      client.destroy();
      await sidecar.stop();
      await upstream.stop();
    });
  }
});

describe('a message that is small on the wire and huge inflated', () => {
  it('is given up at maxMessageSize, where messages are read: 1009 both ways, and the endpoint gets nothing', async () => {
    const MIB = 1024 * 1024;
    const got: number[] = [];
    let atUpstream!: Promise<unknown[]>;
    const upstream = await webSocketUpstream(
      (socket) => {
        socket.on('message', (data) => got.push((data as Buffer).length));
        atUpstream = once(socket, 'close');
      },
      { perMessageDeflate: true },
    );
    const books = new Books();
    const sidecar = await startSidecar({
      endpoints: [upstream.address],
      plugins: [books.plugin],
      hooks: MESSAGES,
      listener: { websocket: { maxMessageSize: MIB } },
    });
    const client = new WebSocket(`ws://127.0.0.1:${sidecar.port}/`, { perMessageDeflate: { threshold: 0 } });
    await once(client, 'open');
    const closed = once(client, 'close');
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    }, 1);
    const bomb = Buffer.alloc(64 * MIB);
    client.send(bomb);
    expect((await closed)[0]).to.equal(1009);
    expect((await atUpstream)[0]).to.equal(1009);
    clearInterval(watch);
    // The bomb itself is in there once; inflated it would be there again.
    expect(peak - before).to.be.below(bomb.length + 24 * MIB);
    expect(got).to.deep.equal([]);
    await sidecar.runtime.sessions.none();
    expect(books.causes).to.deep.equal(['downstream-websocket-too-big']);
    await sidecar.stop();
    await upstream.stop();
  });
});
