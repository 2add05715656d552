import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Books } from '../support/books.ts';
import { exchange, RawClient, statusOf } from '../support/raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type RawUpstream, rawUpstream } from '../support/upstreams.ts';
import { eventually, turns } from '../support/virtual-time.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);

describe('bodies', () => {
  let books: Books;
  let upstream: RawUpstream;
  let sidecar: TestSidecar;
  let client: RawClient;
  async function set(answer: (socket: Socket, all: string) => void, options: Partial<SidecarOptions> = {}) {
    books = new Books();
    upstream = await rawUpstream(answer);
    sidecar = await startSidecar({ endpoints: [upstream.address], plugins: [books.plugin], ...options });
    client = await RawClient.connect(sidecar.port);
  }
  afterEach(async () => {
    client.destroy();
    await books.balance(sidecar);
    await sidecar.stop();
    await upstream.stop();
  });

  it('of every size arrive byte for byte, up and down, also where they cross the buffers of a read', async () => {
    await set((socket, all) => {
      const length = Number(/content-length: (\d+)/i.exec(all)?.[1]);
      const head = all.indexOf('\r\n\r\n') + 4;
      if (head === 3 || all.length < head + length) return;
      socket.end(
        `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${all.slice(head)}`,
        'latin1',
      );
    });
    for (const size of [
      0, 1, 2, 4_095, 4_096, 4_097, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000, 1_000_003,
    ]) {
      const body = randomBytes(size);
      const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;
      const answer = await exchange(sidecar.port, Buffer.concat([Buffer.from(head), body]));
      expect(bodyOf(answer) === body.toString('latin1'), `${size} bytes`).to.equal(true);
    }
  });

  it('of an upload that is answered early: the answer passes, and neither connection is used again', async () => {
    await set(
      (socket, all) => all.includes('\r\n\r\n') && socket.write('HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno'),
    );
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc');
    const answer = await client.untilEnd();
    expect(statusOf(answer)).to.equal(413);
    expect(answer).to.match(/\r\nconnection: close\r\n/);
    await eventually(() => upstream.open.size === 0);
  });

  it('that a client announces with Expect wait for the 100, and go up when it came', async () => {
    await set((socket, all) => {
      if (all.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      if (all.endsWith('abc')) socket.write(OK);
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
    await client.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('abc');
    await client.until((text) => text.endsWith('ok'));
  });

  it('that are announced and not wanted never go up, and a client that does not wait is served', async () => {
    await set((socket, all) => {
      if (all.includes('/refuse') && all.endsWith('\r\n\r\n'))
        socket.write('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n');
      if (all.endsWith('abc')) socket.write(OK);
    });
    client.send('POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
    const answer = await client.untilEnd();
    expect(statusOf(answer)).to.equal(417);
    expect(answer).to.match(/connection: close/);
    const other = await RawClient.connect(sidecar.port);
    other.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
    await eventually(() => /\n\r\n$/.test(upstream.received));
    other.send('abc');
    await other.until((text) => text.endsWith('ok'));
    other.destroy();
  });

  it('that come as events pass event by event, and end where the client leaves', async () => {
    let stream: Socket | undefined;
    await set((socket) => {
      stream = socket;
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    });
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.endsWith('\r\n\r\n'));
    for (let i = 0; i < 20; i++) {
      stream!.write(`9\r\ndata: ${String(i).padStart(2, '0')}\n\r\n`);
      await client.until((text) => text.endsWith(`data: ${String(i).padStart(2, '0')}\n\r\n`));
    }
    client.destroy();
    await eventually(() => upstream.open.size === 0);
  });

  it('that end with the connection of an endpoint of HTTP/1.0 are whole, and put into chunks', async () => {
    const body = randomBytes(100_000).toString('hex');
    await set((socket) => socket.end(`HTTP/1.0 200 OK\r\n\r\n${body}`));
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const text = bodyOf(await client.untilEnd());
    const pieces: string[] = [];
    for (let at = 0; ; ) {
      const end = text.indexOf('\r\n', at);
      const size = Number.parseInt(text.slice(at, end), 16);
      if (size === 0) break;
      pieces.push(text.slice(end + 2, end + 2 + size));
      at = end + 4 + size;
    }
    expect(pieces.join('') === body).to.equal(true);
  });

  it('carry trailers both ways', async () => {
    const chunks = '3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n';
    await set(
      (socket, all) =>
        all.endsWith(chunks) &&
        socket.write(`HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`),
    );
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    expect(bodyOf(await client.until((text) => text.endsWith('X-Sum: 1\r\n\r\n')))).to.equal(chunks);
  });

  it('count whole in the outcome, also what came with the head', async () => {
    await set((socket, all) => all.endsWith('abc') && socket.write(OK));
    const request = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc';
    client.send(request);
    const answer = await client.untilEnd();
    await sidecar.runtime.sessions.none();
    expect(books.outcomes[0]).to.include({ bytesReceived: request.length, bytesSent: answer.length });
  });

  it('are served over Unix-domain sockets on both sides', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
    const server = createServer((socket) => socket.on('data', () => socket.write(OK)));
    server.listen(join(folder, 'app'));
    await once(server, 'listening');
    await set(() => {});
    const own = await startSidecar({ endpoints: [`unix:${join(folder, 'app')}`], bind: `unix:${join(folder, 'in')}` });
    const local = await RawClient.connect({ path: join(folder, 'in') });
    for (let i = 1; i <= 2; i++) {
      local.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await local.until((text) => text.split('ok').length === i + 1);
    }
    local.destroy();
    await own.stop();
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('are asked of another endpoint where one resets before it answers, if the request may be repeated', async () => {
    await set((socket) => socket.resetAndDestroy());
    const good = await rawUpstream((socket) => void socket.write(OK));
    const own = await startSidecar({ endpoints: [upstream.address, good.address] });
    for (const [method, statuses] of [
      ['PUT', [200]],
      ['POST', [200, 502]],
    ] as const) {
      const seen = new Set<number>();
      for (let i = 0; i < 4; i++)
        seen.add(
          statusOf(
            await exchange(
              own.port,
              `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc`,
            ),
          ),
        );
      expect([...seen].sort()).to.deep.equal(statuses);
    }
    await own.stop();
    await good.stop();
  });
});

describe('backpressure', () => {
  /** What the sidecar and both kernels may hold, by far: the endpoint could send without end. */
  const CEILING = 48 << 20;

  for (const up of [true, false]) {
    it(`of ${up ? 'an endpoint' : 'a client'} that does not read stops the other side`, async () => {
      let sent = 0;
      const flood = (socket: Socket) => {
        const piece = Buffer.alloc(64 * 1024, 'x');
        const more = () => {
          while (sent < CEILING && socket.write(piece)) sent += piece.length;
        };
        socket.on('drain', more);
        more();
      };
      const upstream = await rawUpstream((socket, all) => {
        if (up) socket.pause();
        else if (all.endsWith('\r\n\r\n')) {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${CEILING}\r\n\r\n`);
          flood(socket);
        }
      });
      const sidecar = await startSidecar({ endpoints: [upstream.address] });
      const client = await RawClient.connect(sidecar.port);
      client.socket.pause();
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${up ? CEILING : 0}\r\n\r\n`);
      if (up) flood(client.socket);
      let before = -1;
      // Where nothing moves in many turns, nothing will.
      while (sent !== before || sent === 0) {
        before = sent;
        await turns(200);
      }
      expect(sent).to.be.below(CEILING);
      client.destroy();
      for (const socket of upstream.open) socket.resetAndDestroy();
      await sidecar.runtime.sessions.none();
      await sidecar.stop();
      await upstream.stop();
    });
  }

  it('of a client that reads no answer stops its pipelined requests', async () => {
    const body = 'x'.repeat(60_000);
    const upstream = await rawUpstream(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    );
    const sidecar = await startSidecar({ endpoints: [upstream.address] });
    const client = await RawClient.connect(sidecar.port);
    client.socket.pause();
    const count = 500;
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count));
    const asked = () => upstream.received.split('GET ').length - 1;
    let before = -1;
    while (asked() !== before || before === 0) {
      before = asked();
      await turns(200);
    }
    expect(before, 'requests that went up').to.be.below(count / 2);
    client.socket.resume();
    await client.until((text) => text.length > count * body.length + 40 * count);
    await eventually(() => asked() === count && sidecar.runtime.sessions.size === 0);
    expect(client.received.split('HTTP/1.1 200').length).to.equal(count + 1);
    client.destroy();
    await sidecar.stop();
    await upstream.stop();
  });
});
