import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Books } from './books.ts';
import { startSidecar, type TestSidecar } from './sidecar.ts';
import { type Upstream, webSocketUpstream } from './upstreams.ts';

/** Handshakes under way at once. */
const AT_ONCE = 50;

/** What became of a crowd of WebSockets, all of which talk while the sidecar drains. */
export interface Drained {
  /** How many clients saw each close code. */
  readonly codes: Readonly<Record<number, number>>;
  readonly reasons: ReadonlySet<string>;
  /** Most closes that the clients saw within any second. */
  readonly busiestSecond: number;
  /** Milliseconds from the first close to the last one. */
  readonly spreadMs: number;
  /** Messages that clients and endpoints have sent, that they got, and that outcomes count as undelivered. */
  readonly sent: number;
  readonly received: number;
  readonly undelivered: number;
  /** Messages that came twice, too early or too late. */
  readonly disordered: number;
  readonly causes: ReadonlySet<string>;
}

export interface CrowdOptions {
  readonly count: number;
  readonly drain: { readonly timeout: number; readonly rate: number; readonly code?: number };
  /** Between two messages of a client. */
  readonly talkMs: number;
  readonly plane: 'frames' | 'messages';
}

/** Opens a crowd, lets it talk, drains the sidecar, and looks at what everybody saw. */
export async function drainCrowd({ count, drain, talkMs, plane }: CrowdOptions): Promise<Drained> {
  const tally = { sent: 0, received: 0, disordered: 0 };
  const upstream = await webSocketUpstream((socket) => {
    let next = 0;
    socket.on('message', (data) => {
      tally.received++;
      if (Number(data) !== next++) tally.disordered++;
      if (socket.readyState !== WebSocket.OPEN) return;
      tally.sent++;
      socket.send(String(data));
    });
  });
  const books = new Books();
  const sidecar = await startSidecar({
    endpoints: [upstream.address],
    plugins: [books.plugin],
    drain,
    ...(plane === 'messages' && { hooks: { onMessage: () => undefined } }),
  });
  const clients: Client[] = [];
  while (clients.length < count) {
    const opening = Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, () => new Client(sidecar, tally));
    await Promise.all(opening.map((client) => client.opened));
    clients.push(...opening);
  }
  const talk = setInterval(() => {
    for (const client of clients) client.talk();
  }, talkMs);
  await sidecar.runtime.drain();
  await Promise.all(clients.map((client) => client.closed));
  clearInterval(talk);
  await end(sidecar, upstream);

  const times = clients.map(({ closedAt }) => closedAt).sort((a, b) => a - b);
  return {
    ...tally,
    codes: Object.fromEntries(
      [...new Set(clients.map(({ code }) => code))].map((code) => [
        code,
        clients.filter((client) => client.code === code).length,
      ]),
    ),
    reasons: new Set(clients.map(({ reason }) => reason)),
    busiestSecond: Math.max(
      ...times.map((from, i) => {
        const over = times.findIndex((time) => time >= from + 1_000);
        return (over === -1 ? times.length : over) - i;
      }),
    ),
    spreadMs: times.at(-1)! - times[0]!,
    undelivered: books.outcomes.reduce((sum, { undelivered }) => sum + undelivered, 0),
    causes: new Set(books.causes),
  };
}

async function end(sidecar: TestSidecar, upstream: Upstream): Promise<void> {
  await sidecar.stop();
  await upstream.stop();
}

/** One of them: sends numbers, and expects each of them back. */
class Client {
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  code = 0;
  reason = '';
  closedAt = 0;
  readonly #socket: WebSocket;
  readonly #tally: { sent: number; received: number; disordered: number };
  #next = 0;
  #expected = 0;

  constructor(sidecar: TestSidecar, tally: { sent: number; received: number; disordered: number }) {
    this.#tally = tally;
    this.#socket = new WebSocket(`ws://127.0.0.1:${sidecar.port}/`, { perMessageDeflate: false });
    this.#socket.on('error', () => {});
    this.opened = once(this.#socket, 'open');
    this.closed = once(this.#socket, 'close');
    this.#socket.on('message', (data) => {
      tally.received++;
      if (Number(data) !== this.#expected++) tally.disordered++;
    });
    this.#socket.on('close', (code, reason) => {
      this.code = code;
      this.reason = String(reason);
      this.closedAt = performance.now();
    });
  }

  talk(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#tally.sent++;
    this.#socket.send(String(this.#next++));
  }
}
