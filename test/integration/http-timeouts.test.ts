import type { Socket } from 'node:net';
import { type ByteStream, Connector, definePlugin, type Outcome, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type RawUpstream, rawUpstream } from '../support/upstreams.ts';
import { eventually, passUntil, turns } from '../support/virtual-time.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const TIMEOUTS = { head: 2_000, body: 3_000, write: 4_000, idle: 5_000 };

describe('a timeout', () => {
  let clock: VirtualClock;
  let upstream: RawUpstream;
  let sidecar: TestSidecar;
  let client: RawClient;
  let outcomes: Outcome[];

  async function set(
    answer: Parameters<typeof rawUpstream>[0],
    options: Partial<SidecarOptions> & { timeouts?: object } = {},
  ): Promise<void> {
    clock = new VirtualClock();
    outcomes = [];
    upstream = await rawUpstream(answer);
    sidecar = await startSidecar({
      endpoints: [upstream.address],
      clock,
      listener: { timeouts: TIMEOUTS },
      cluster: { timeouts: { response: 6_000, ...options.timeouts } },
      hooks: { onSessionEnd: (_, outcome) => void outcomes.push(outcome) },
      ...options,
    });
    client = await RawClient.connect(sidecar.port);
    client.socket.setNoDelay(true);
  }
  afterEach(async () => {
    client.destroy();
    expect(sidecar.runtime.sessions.size).to.equal(0);
    for (const endpoint of sidecar.runtime.clusters.get('app')!.endpoints) expect(endpoint.requests).to.equal(0);
    await sidecar.stop();
    await upstream.stop();
  });
  const within = (elapsed: number, deadline: number) =>
    expect(elapsed).to.be.within(deadline, deadline + 1_000, 'virtual milliseconds');
  const ended = () => client.ended || client.closed;

  it('answers 408 when a head is not in by its deadline, however its bytes trickle', async () => {
    await set((socket) => socket.write(OK));
    let at = 0;
    within(await passUntil(clock, ended, () => client.send(`GET /${'x'.repeat(100)}`[at++]!)), 2_000);
    expect(statusOf(client.received)).to.equal(408);
    expect(upstream.received).to.equal('');
  });

  it('gives each head of a kept connection its own deadline, from its first byte', async () => {
    await set((socket) => socket.write(OK));
    for (let i = 0; i < 3; i++) {
      await passUntil(
        clock,
        () => client.received.split('ok').length === i + 2,
        (elapsed) => {
          if (elapsed === 0) client.send(GET.slice(0, 10));
          if (elapsed === 1_500) client.send(GET.slice(10));
        },
      );
    }
    client.send('G');
    within(await passUntil(clock, ended), 2_000);
    expect(client.received).to.match(/HTTP\/1.1 408/);
  });

  it('closes a connection that is idle, without a word', async () => {
    await set((socket) => socket.write(OK));
    client.send(GET);
    await client.until((text) => text.endsWith('ok'));
    within(await passUntil(clock, ended), 5_000);
    expect(client.received.endsWith('ok')).to.equal(true);
  });

  it('answers 408 to a body that stalls, and lets one that goes on slowly take its time', async () => {
    await set(() => {});
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
    let stalledAt = 0;
    const elapsed = await passUntil(clock, ended, (now) => {
      if (now > 20_000 || now % 1_000 !== 0) return;
      client.send('x');
      stalledAt = now;
    });
    within(elapsed - stalledAt, 3_000);
    expect(stalledAt).to.equal(20_000);
    expect(statusOf(client.received)).to.equal(408);
    expect(outcomes[0]!.cause).to.equal('downstream-body-timeout');
  });

  it('answers 504 where no response comes, counted from the end of the request', async () => {
    await set(() => {});
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n');
    // The upload alone takes longer than timeouts.response.
    const elapsed = await passUntil(
      clock,
      () => client.received !== '',
      (now) => {
        if (now <= 10_000 && now % 1_000 === 0) client.send('x');
      },
    );
    within(elapsed - 10_000, 6_000);
    expect(statusOf(client.received)).to.equal(504);
    expect(outcomes[0]!.cause).to.equal('upstream-response-timeout');
  });

  it('counts timeouts.response, not timeouts.body, while a client waits for its 100', async () => {
    await set(() => {}, { listener: { timeouts: { ...TIMEOUTS, body: 10_000 } } });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
    within(await passUntil(clock, () => client.received !== ''), 6_000);
    expect(statusOf(client.received)).to.equal(504);
  });

  it('ends an exchange that takes longer than timeouts.total, with 504 or, within the response, with a cut', async () => {
    await set(
      (socket, all) => all.includes('/cut') && socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
      {
        timeouts: { response: 60_000, total: 7_000 },
      },
    );
    client.send(GET);
    within(await passUntil(clock, () => client.received !== ''), 7_000);
    expect(statusOf(client.received)).to.equal(504);
    const other = await RawClient.connect(sidecar.port);
    other.send(GET.replace('/', '/cut'));
    within(await passUntil(clock, () => other.closed || other.ended), 7_000);
    expect(other.received.endsWith('abc')).to.equal(true);
    expect(outcomes.map(({ cause }) => cause)).to.deep.equal(['upstream-total-timeout', 'upstream-total-timeout']);
    other.destroy();
  });

  it('answers 504 where the endpoint does not accept', async () => {
    const silent: ByteStream = {
      read() {},
      write: () => true,
      writeLent: () => true,
      onDrain() {},
      pause() {},
      resume() {},
      end() {},
      closeWhenSent: () => false,
      destroy() {},
      reset() {},
      keepAlive() {},
      buffered: 0,
      sent: 0,
      destroyed: false,
    };
    const plugin = definePlugin({
      name: 'silent',
      bind: (bind) => void bind(Connector).toConstantValue({ name: 'tls', connect: () => silent }),
    });
    await set(() => {}, { plugins: [plugin], cluster: { tls: {}, timeouts: { connect: 1_000 } } });
    client.send(GET);
    within(await passUntil(clock, () => client.received !== ''), 1_000);
    expect(statusOf(client.received)).to.equal(504);
    expect(client.received).to.include('connect-timeout');
    await eventually(() => outcomes.length === 1);
  });

  /** Reads `bytes` each second until `stops`: in pieces that large, since kernels open their windows by megabytes. */
  function slowReader(socket: Socket, bytes: number, stops: number): { step(now: number): void; last: number } {
    let left = 0;
    socket.pause();
    socket.on('data', (piece: Buffer) => {
      left -= piece.length;
      if (left <= 0) socket.pause();
    });
    const reader = {
      last: 0,
      step(now: number) {
        if (now % 1_000 !== 0 || now >= stops) return;
        left = bytes;
        reader.last = now;
        socket.resume();
      },
    };
    return reader;
  }

  it('cuts off a reader that has stopped, and not one that is slow', async () => {
    const big = Buffer.alloc(64 << 20, 'x');
    await set((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${big.length}\r\n\r\n`);
      socket.write(big);
    });
    const reader = slowReader(client.socket, 3 << 20, 12_000);
    client.send(GET);
    const elapsed = await passUntil(clock, () => outcomes.length > 0, reader.step);
    expect(client.received.length, 'all of it was read').to.be.below(big.length);
    expect(reader.last).to.equal(11_000);
    within(elapsed - reader.last, 4_000);
    expect(outcomes[0]!.cause).to.equal('downstream-write-timeout');
  });

  it('answers 504 where the endpoint stops reading the request, and not where it is slow', async () => {
    const piece = Buffer.alloc(1 << 20, 'x');
    let reader: ReturnType<typeof slowReader> | undefined;
    await set((socket) => {
      reader ??= slowReader(socket, 3 << 20, 12_000);
    });
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * piece.length}\r\n\r\n`);
    for (let i = 0; i < 64; i++) client.send(piece);
    await eventually(() => reader !== undefined);
    const elapsed = await passUntil(
      clock,
      () => outcomes.length > 0,
      (now) => reader!.step(now),
    );
    expect(reader!.last).to.equal(11_000);
    within(elapsed - reader!.last, 4_000);
    expect(outcomes[0]!.cause).to.equal('upstream-write-timeout');
    expect(statusOf(client.received)).to.equal(504);
  });

  it('discards a pooled connection that was idle for too long, sooner where Keep-Alive says so', async () => {
    for (const [line, ms] of [
      ['', 4_000],
      ['Keep-Alive: timeout=3\r\n', 2_000],
    ] as const) {
      await set((socket) => socket.write(`HTTP/1.1 200 OK\r\n${line}Content-Length: 2\r\n\r\nok`));
      client.send(GET);
      await client.until((text) => text.endsWith('ok'));
      within(await passUntil(clock, () => upstream.open.size === 0), ms);
      client.send(GET);
      await client.until((text) => text.split('ok').length === 3);
      expect(upstream.connections).to.equal(2);
      if (line !== '') continue;
      client.destroy();
      await sidecar.stop();
      await upstream.stop();
    }
  });

  it('does not end a response that is silent for long, nor a client that has sent everything', async () => {
    let answer: (() => void) | undefined;
    await set((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok');
      answer = () => socket.write('ok');
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
    await client.until((text) => text.endsWith('ok'));
    clock.advance(100_000);
    await turns();
    answer!();
    await client.until((text) => text.endsWith('okok'));
  });
});
