import { once } from 'node:events';
import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { echoMessages, type RawUpstream, rawUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const DRAIN = { drain: { timeout: 60_000 } };
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** An endpoint that leaves the list, by a reload. */
describe('an endpoint that leaves its cluster', () => {
  const ends: { readonly kind: string; readonly cause: string }[] = [];
  let clock: VirtualClock;
  let upstreams: Upstream[] = [];
  let sidecar: TestSidecar;
  afterEach(async () => {
    await sidecar.stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
    ends.length = 0;
  });

  const start = async <U extends Upstream>(...started: Promise<U>[]): Promise<U[]> => {
    clock = new VirtualClock();
    const list = await Promise.all(started);
    upstreams = list;
    sidecar = await startSidecar({
      endpoints: list.map(({ address }) => address),
      clock,
      cluster: DRAIN,
      hooks: { onSessionEnd: ({ kind }, { cause }) => void ends.push({ kind, cause }) },
    });
    return list;
  };
  const list = (...listed: readonly Upstream[]) =>
    sidecar.reload({ endpoints: listed.map(({ address }) => address), clock, cluster: DRAIN });
  const open = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${sidecar.port}/`);
    await once(socket, 'open');
    return socket;
  };
  const echoes = async (socket: WebSocket) => {
    socket.send('still here?');
    expect(String((await once(socket, 'message'))[0])).to.equal('still here?');
  };
  const cluster = () => [...sidecar.runtime.clusterStates()][0]!;

  it('gets no new session; its WebSockets go on until drain.timeout, and are then closed with 1001', async () => {
    const [one, two] = await start(webSocketUpstream(echoMessages), webSocketUpstream(echoMessages));
    const sockets = [await open(), await open(), await open(), await open()];
    expect([one!.sockets.size, two!.sockets.size]).to.deep.equal([2, 2]);
    await list(two!);
    expect(sidecar.logs.at(-1)).to.include({ message: 'an endpoint has left', endpoint: one!.address, streams: 2 });
    expect(cluster().leaving.map(({ address, streams }) => [address, streams])).to.deep.equal([[one!.address, 2]]);
    sockets.push(await open());
    expect([one!.sockets.size, two!.sockets.size]).to.deep.equal([2, 3]);
    clock.advance(59_000);
    for (const socket of sockets) await echoes(socket);

    const closed = Promise.all([sockets[0]!, sockets[2]!].map((socket) => once(socket, 'close')));
    clock.advance(2_000);
    for (const [code] of await closed) expect(code).to.equal(1001);
    expect(sidecar.logs.find(({ message }) => message.startsWith('closing what is open'))).to.include({
      level: 'warn',
      endpoint: one!.address,
      streams: 2,
    });
    expect(ends).to.deep.equal(Array.from({ length: 2 }, () => ({ kind: 'websocket', cause: 'endpoint-gone' })));
    expect(cluster().leaving).to.deep.equal([]);
    for (const socket of [sockets[1]!, sockets[3]!, sockets[4]!]) {
      await echoes(socket);
      socket.terminate();
    }
  });

  it('that is listed again in time has not left', async () => {
    const [one, two] = await start(webSocketUpstream(echoMessages), webSocketUpstream(echoMessages));
    const socket = await open();
    await list(two!);
    clock.advance(30_000);
    await list(one!, two!);
    clock.advance(600_000);
    await echoes(socket);
    expect(cluster().leaving).to.deep.equal([]);
    expect(cluster().endpoints.map(({ streams }) => streams)).to.deep.equal([1, 0]);
    socket.terminate();
  });

  const answering = (answer: string) =>
    rawUpstream((socket, all) => void (all.endsWith('\r\n\r\n') && socket.write(answer)));
  const ask = async () => {
    const client = await RawClient.connect(sidecar.port);
    client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    return client;
  };
  const idle = async (upstream: RawUpstream) => {
    const client = await ask();
    await client.until((text) => text.endsWith('ok'));
    client.socket.destroy();
    return [...upstream.open];
  };

  it('loses its idle connections at once, and those that fall idle later', async () => {
    const answers = () => answering(OK);
    const [one, two] = await start(answers(), answers());
    const [connection] = await idle(one!);
    await idle(two!);
    const closed = once(connection!, 'close');
    await list(two!);
    await closed;
    expect(two!.open.size).to.equal(1);
  });

  it('ends its exchanges at the deadline: with 503 before the head of the answer, else by a cut', async () => {
    const begun = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun';
    const [, , other] = await start(answering(''), answering(begun), answering(OK));
    const [first, second] = [await ask(), await ask()];
    await second.until((text) => text.endsWith('begun'));
    await list(other!);
    clock.advance(61_000);
    expect(statusOf(await first.until((text) => text.includes('endpoint-gone')))).to.equal(503);
    await second.untilEnd();
    expect(ends).to.deep.equal(Array.from({ length: 2 }, () => ({ kind: 'http', cause: 'endpoint-gone' })));
    first.socket.destroy();
  });
});
