import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { proveDirectIo, SocketStream } from '../src/index.ts';

const LARGE = 100_000;

describe('a stream upon a socket', () => {
  let server: Server;
  before(proveDirectIo);
  afterEach(() => server.close());

  /** `count` accepted streams, and the sockets at their other ends. */
  async function pairs(count: number): Promise<{ streams: SocketStream[]; peers: Socket[] }> {
    const streams: SocketStream[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    server = createServer({ allowHalfOpen: true }, (socket) => {
      const stream = SocketStream.accepted(socket);
      stream.read({ bytes() {}, end: () => stream.end(), error() {}, closed() {} });
      streams.push(stream);
      if (streams.length === count) resolve();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const peers = Array.from({ length: count }, () => connect((server.address() as AddressInfo).port, '127.0.0.1'));
    await promise;
    return { streams, peers };
  }

  async function textOf(peer: Socket): Promise<string> {
    let text = '';
    for await (const piece of peer) text += (piece as Buffer).toString('latin1');
    return text;
  }

  it('sends small pieces at the end of the turn, in order with large ones, lent ones and the end', async () => {
    const { streams, peers } = await pairs(1);
    const [stream] = streams as [SocketStream];
    let sent = '';
    const write = (text: string) => {
      sent += text;
      stream.write(text);
    };
    write('a');
    write('b');
    expect(stream.buffered).to.equal(2);
    stream.write(Buffer.alloc(LARGE, 'c'));
    sent += 'c'.repeat(LARGE);
    for (let i = 0; i < 3_000; i++) write(`${i},`);
    stream.writeLent(Buffer.from('xlentx'), 1, 5, 'head:');
    stream.writeLent(Buffer.alloc(20_000, 'd'), 0, 20_000, 'head:');
    sent += `head:lenthead:${'d'.repeat(20_000)}`;
    write('e');
    stream.end();
    expect(await textOf(peers[0]!)).to.equal(sent);
  });

  it('sends them for however many streams write in one turn', async () => {
    const { streams, peers } = await pairs(100);
    for (const [i, stream] of streams.entries()) stream.write(`stream ${i}`);
    const got = await Promise.all(peers.map(async (peer) => String((await once(peer, 'data'))[0])));
    expect(got.sort()).to.deep.equal(streams.map((_, i) => `stream ${i}`).sort());
    for (const peer of peers) peer.destroy();
  });

  it('holds lent pieces of middle size to the end of the turn, each as it was, however many there are', async () => {
    const { streams, peers } = await pairs(40);
    const lent = Buffer.alloc(10_000);
    const texts = peers.map(textOf);
    for (const turn of [0, 1]) {
      for (const [i, stream] of streams.entries()) {
        stream.writeLent(lent.fill(`${turn}:${i},`), 0, lent.length, 'head:');
        if (i === 0) expect(stream.buffered).to.equal('head:'.length + lent.length);
        lent.fill(0);
      }
      streams[1]!.write('a small one behind it');
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    for (const stream of streams) stream.end();
    const piece = (text: string) => `head:${text.repeat(lent.length).slice(0, lent.length)}`;
    for (const [i, text] of (await Promise.all(texts)).entries()) {
      const small = i === 1 ? 'a small one behind it' : '';
      expect(text === `${piece(`0:${i},`)}${small}${piece(`1:${i},`)}${small}`, `stream ${i}`).to.equal(true);
    }
  });

  it('keeps pieces whole that the kernel does not take, while others go on', async () => {
    const { streams, peers } = await pairs(2);
    const [slow, quick] = streams as [SocketStream, SocketStream];
    const quickText = textOf(peers[1]!);
    const lent = Buffer.alloc(15_000);
    let count = 0;
    while (slow.buffered < 200_000) {
      slow.writeLent(lent.fill(`${count};`), 0, lent.length);
      quick.writeLent(lent.fill(`q${count};`), 0, lent.length);
      count++;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    for (const stream of streams) stream.end();
    const expected = (q: string) =>
      Array.from({ length: count }, (_, i) => `${q}${i};`.repeat(lent.length).slice(0, lent.length)).join('');
    expect((await textOf(peers[0]!)) === expected(''), 'the slow one').to.equal(true);
    expect((await quickText) === expected('q'), 'the quick one').to.equal(true);
  });

  for (const [how, close] of [
    ['destroyed', (stream) => stream.destroy('drain')],
    ['closed when all is sent', (stream) => expect(stream.closeWhenSent()).to.equal(true)],
  ] as const satisfies [string, (stream: SocketStream) => unknown][]) {
    it(`has sent what was written before it is ${how}`, async () => {
      const { streams, peers } = await pairs(1);
      streams[0]!.write('the last word');
      close(streams[0]!);
      expect(await textOf(peers[0]!)).to.equal('the last word');
    });
  }

  it('takes writes once it is gone, and sends nothing', async () => {
    const { streams, peers } = await pairs(1);
    const closed = once(peers[0]!, 'close');
    peers[0]!.resume();
    streams[0]!.destroy('drain');
    expect(streams[0]!.write('too late')).to.equal(true);
    expect(streams[0]!.buffered).to.equal(0);
    await closed;
    expect(peers[0]!.bytesRead).to.equal(0);
  });
});
