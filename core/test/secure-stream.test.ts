import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { eventually, turns } from '../../test/support/virtual-time.ts';
import type { ByteSink } from '../src/byte-stream.ts';
import { proveDirectTls } from '../src/direct-tls.ts';
import { SecureStream } from '../src/secure-stream.ts';

/** Needs no certificate. */
const OPTIONS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' as const };

class Sink implements ByteSink {
  readonly got: Buffer[] = [];
  readonly events: string[] = [];
  bytes(buffer: Buffer, from: number, to: number): void {
    this.got.push(Buffer.from(buffer.subarray(from, to)));
    this.events.push('bytes');
  }
  end(): void {
    this.events.push('end');
  }
  error(): void {
    this.events.push('error');
  }
  closed(): void {
    this.events.push('closed');
  }
  get text(): string {
    return Buffer.concat(this.got).toString('latin1');
  }
}

describe('a TLS socket past its streams', () => {
  const psk = randomBytes(32);
  const open: TLSSocket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });

  before(async () => {
    expect(await proveDirectTls()).to.equal(true);
  });

  async function pair(early = ''): Promise<{ stream: SecureStream; client: TLSSocket }> {
    const { promise, resolve } = Promise.withResolvers<SecureStream>();
    const server = createServer({ ...OPTIONS, pskCallback: () => psk }, (socket) => {
      socket.allowHalfOpen = true;
      open.push(socket);
      resolve(new SecureStream(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect({
      ...OPTIONS,
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      pskCallback: () => ({ psk, identity: 'test' }),
      checkServerIdentity: () => undefined,
    });
    client.on('error', () => {});
    open.push(client);
    if (early !== '') client.write(early);
    const stream = await promise;
    server.close();
    return { stream, client };
  }
  const received = (client: TLSSocket) => {
    const got: Buffer[] = [];
    client.on('data', (bytes) => got.push(bytes));
    return () => Buffer.concat(got);
  };

  it('sends in order what is written in one turn, however it is written', async () => {
    const { stream, client } = await pair();
    stream.read(new Sink());
    const got = received(client);
    const large = randomBytes(40_000);
    const lent = Buffer.from('lent, then other');
    stream.write('a string: \xe9\n');
    stream.write(large);
    stream.writeLent(lent, 0, 4, 'head ');
    stream.writeLent(lent, 0, 4);
    lent.fill(0);
    stream.writeLent(large, 10, 20_000, 'head ');
    stream.write('');
    const wanted = Buffer.concat([
      Buffer.from('a string: \xe9\n', 'latin1'),
      large,
      Buffer.from('head lentlenthead '),
      large.subarray(10, 20_000),
    ]);
    await eventually(() => got().length >= wanted.length);
    expect(got().equals(wanted)).to.equal(true);
    await eventually(() => stream.buffered === 0);
    expect(stream.sent).to.be.above(wanted.length);
  });

  it('keeps what came before there was a sink, and what comes while paused; the end comes behind it', async () => {
    const { stream, client } = await pair('early');
    client.write(', and more');
    client.end();
    await turns(20);
    const sink = new Sink();
    stream.read(sink);
    stream.pause();
    await turns(20);
    expect(sink.events).to.deep.equal([]);
    stream.resume();
    await eventually(() => sink.events.includes('end'));
    expect(sink.text).to.equal('early, and more');
    expect(sink.events.at(-1)).to.equal('end');
  });

  it('delivers nothing to who pauses within a call, though more was decrypted', async () => {
    const { stream, client } = await pair();
    const sink = new Sink();
    const sent = randomBytes(200_000);
    sink.bytes = (buffer, from, to) => {
      sink.got.push(Buffer.from(buffer.subarray(from, to)));
      const { length } = sink.got;
      stream.pause();
      setImmediate(() => {
        expect(sink.got.length).to.equal(length);
        stream.resume();
      });
    };
    stream.read(sink);
    client.end(sent);
    await eventually(() => sink.events.includes('end'));
    expect(Buffer.concat(sink.got).equals(sent)).to.equal(true);
  });

  it('says when more than 64 KiB wait, and when they have gone', async () => {
    const { stream, client } = await pair();
    stream.read(new Sink());
    client.pause();
    const piece = randomBytes(60_000);
    let pieces = 1;
    while (stream.write(piece)) {
      pieces++;
      await turns(1);
    }
    expect(stream.buffered).to.be.above(64 * 1024);
    const drained = new Promise<void>((resolve) => stream.onDrain(resolve));
    const got = received(client);
    client.resume();
    await drained;
    await eventually(() => got().length === pieces * piece.length && stream.buffered === 0);
    expect(stream.write('on')).to.equal(true);
  });

  it('ends behind all that was written', async () => {
    const { stream, client } = await pair();
    stream.read(new Sink());
    const got = received(client);
    const ended = once(client, 'end');
    const large = randomBytes(3_000_000);
    for (let at = 0; at < large.length; at += 50_000) stream.write(large.subarray(at, at + 50_000));
    stream.end();
    stream.write('too late');
    await ended;
    expect(got().equals(large)).to.equal(true);
  });

  it('tells once that its peer has gone, in the middle of writes', async () => {
    const { stream, client } = await pair();
    const sink = new Sink();
    stream.read(sink);
    for (let i = 0; i < 100; i++) stream.write(randomBytes(100_000));
    client.destroy();
    await eventually(() => sink.events.includes('closed'));
    expect(sink.events.filter((event) => event === 'closed')).to.have.length(1);
    expect(stream.destroyed).to.equal(true);
    expect(stream.write('nothing')).to.equal(true);
    stream.end();
  });
});
