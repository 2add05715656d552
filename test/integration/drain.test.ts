import { once } from 'node:events';
import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { drainCrowd } from '../support/draining-crowd.ts';
import { frame, framesOfSoFar } from '../support/frames.ts';
import { RawClient } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually, passUntil, turns } from '../support/virtual-time.ts';
import { SIDES, WebSocketPair } from '../support/websocket-pair.ts';

describe('a drain', () => {
  for (const plane of ['frames', 'messages'] as const) {
    it(`closes 200 WebSockets that talk with 1001, spread over 4 s, within its rate, and loses no message (${plane})`, async function () {
      this.timeout(20_000);
      const rate = 100;
      const drained = await drainCrowd({ count: 200, drain: { timeout: 4_000, rate }, talkMs: 50, plane });
      expect(drained.codes).to.deep.equal({ 1001: 200 });
      expect([...drained.reasons]).to.deep.equal(['drain']);
      expect([...drained.causes]).to.deep.equal(['drain']);
      expect(drained.busiestSecond).to.be.at.most(1.5 * rate);
      expect(drained.spreadMs).to.be.within(2_000, 4_000);
      expect(drained.sent).to.be.above(1_000);
      expect(drained.received + drained.undelivered).to.equal(drained.sent);
      expect(drained.disordered).to.equal(0);
    });
  }

  it('says 1012 where the sidecar comes back', async () => {
    const drain = { timeout: 1_000, rate: 1_000, code: 1012 };
    const { codes } = await drainCrowd({ count: 20, drain, talkMs: 20, plane: 'frames' });
    expect(codes).to.deep.equal({ 1012: 20 });
  });

  it('at its deadline closes what is left with 1001 too, counts it, and says what to change', async () => {
    const clock = new VirtualClock();
    const upstream = await webSocketUpstream(() => {});
    const sidecar = await startSidecar({
      endpoints: [upstream.address],
      clock,
      drain: { timeout: 2_000, rate: 1 },
    });
    const sockets = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${sidecar.port}/`);
        await once(socket, 'open');
        return { socket, closed: once(socket, 'close') };
      }),
    );
    const drained = sidecar.runtime.drain();
    await passUntil(clock, () => sidecar.runtime.drainFinished);
    await drained;
    const codes = await Promise.all(sockets.map(async ({ closed }) => (await closed)[0] as number));
    expect(codes).to.deep.equal(new Array(10).fill(1001));
    const { sessions, remedy } = sidecar.logs.find(({ level }) => level === 'warn')!;
    expect(sessions).to.be.within(6, 9);
    expect(remedy).to.equal('raise drain.timeout or drain.rate');
    await sidecar.stop();
    await upstream.stop();
  });

  it('lets a message that is under way go through, and counts one that comes behind the Close', async () => {
    const pair = new WebSocketPair();
    await pair.open();
    pair.send('upstream', frame(1, 'half', { fin: false }));
    await turns();
    const drained = pair.sidecar.runtime.drain();
    await turns();
    pair.send('upstream', Buffer.concat([frame(0, 'whole'), frame(1, 'late')]));
    await eventually(() => framesOfSoFar(pair.at('downstream')).some(({ opcode }) => opcode === 8));
    expect(framesOfSoFar(pair.at('downstream')).map(({ payload }) => payload.toString('latin1'))).to.deep.equal([
      'half',
      'whole',
      '\x03\xe9drain',
    ]);
    for (const side of SIDES) pair.send(side, frame(8, Buffer.from([3, 233]), { masked: side === 'downstream' }));
    await drained;
    expect(pair.books.outcomes[0]).to.include({ cause: 'drain', undelivered: 1, closeCodeSent: 1001 });
    await pair.close();
  });

  describe('of streams and exchanges', () => {
    let sidecar: TestSidecar;
    let upstream: Upstream;
    let clock: VirtualClock;
    type Response = Parameters<Parameters<typeof httpUpstream>[0]>[1];
    let response!: Response;
    beforeEach(async () => {
      clock = new VirtualClock();
      response = undefined as unknown as Response;
      upstream = await httpUpstream((request, out) => {
        response = out;
        if (request.url === '/events') {
          out.writeHead(200, { 'content-type': 'text/event-stream' });
          out.flushHeaders();
        }
      });
      sidecar = await startSidecar({ endpoints: [upstream.address], clock });
    });
    afterEach(async () => {
      await sidecar.stop();
      await upstream.stop();
    });

    async function open(path: string): Promise<RawClient> {
      const client = await RawClient.connect(sidecar.port);
      client.socket.setNoDelay(true);
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      if (path === '/events') await client.until((text) => text.includes('\r\n\r\n'));
      else await eventually(() => response !== undefined);
      return client;
    }

    it('ends server-sent events between two of them, as a complete response', async () => {
      const client = await open('/events');
      response.write('data: one\n\nid: 2\nda');
      await client.until((text) => text.includes('da'));
      const drained = sidecar.runtime.drain();
      await turns();
      expect(client.ended).to.equal(false);
      // In one piece, as two chunks.
      response.cork();
      response.write('ta: two\n\ndata: three\n\n');
      response.write('data: four\n\n');
      response.uncork();
      await drained;
      const all = await client.untilEnd();
      expect(all).to.include('data: two\n\n'.slice(2));
      expect(all).to.not.match(/three|four/);
      expect(all.endsWith('\r\n0\r\n\r\n')).to.equal(true);
    });

    it('ends them at once where none is under way', async () => {
      const client = await open('/events');
      await sidecar.runtime.drain();
      expect(await client.untilEnd()).to.match(/\r\n\r\n0\r\n\r\n$/);
    });

    it('cuts one that stays within an event for 5 s, so that nobody takes it for whole', async () => {
      const client = await open('/events');
      response.write('data: half');
      await client.until((text) => text.includes('half'));
      const drained = sidecar.runtime.drain();
      const took = await passUntil(clock, () => client.ended || client.closed);
      await drained;
      expect(took).to.be.within(5_000, 5_200);
      expect(client.received.endsWith('0\r\n\r\n')).to.equal(false);
    });

    it('gives the last response of a connection `connection: close`', async () => {
      const client = await open('/');
      const drained = sidecar.runtime.drain();
      await turns();
      response.end('done');
      await drained;
      const answer = await client.untilEnd();
      expect(answer).to.match(/\r\nconnection: close\r\n/);
      expect(answer.endsWith('done')).to.equal(true);
    });

    it('of a listener that a reload takes away closes its WebSockets alone', async () => {
      const ws = await webSocketUpstream(() => {});
      const spec = { endpoints: [ws.address] };
      await sidecar.reload(spec);
      const socket = new WebSocket(`ws://127.0.0.1:${sidecar.port}/`);
      await once(socket, 'open');
      const closed = once(socket, 'close');
      await sidecar.reload({ ...spec, bind: 'localhost:0' });
      await passUntil(clock, () => socket.readyState === WebSocket.CLOSED);
      expect((await closed)[0]).to.equal(1001);
      expect(sidecar.runtime.ready).to.equal(true);
      await ws.stop();
    });
  });
});
