import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { expect } from 'chai';
import { serverNameOf } from '../src/client-hello.ts';

/** What a real client says first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ ...options, port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const pieces: Buffer[] = [];
  for await (const piece of socket) {
    pieces.push(piece);
    const all = Buffer.concat(pieces);
    if (all.length >= 5 && all.length === 5 + all.readUInt16BE(3)) break;
  }
  client.destroy();
  server.close();
  return Buffer.concat(pieces);
}

/** The same message, in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe('the server name of a first message', () => {
  let hello: Buffer;
  before(async () => {
    hello = await helloOf({ servername: 'Chat.Example.test' });
  });

  it('is found, in lower case', () => {
    expect(serverNameOf(hello)).to.equal('chat.example.test');
  });

  it('is found by TLS 1.2, with other extensions around it, and behind a session', async () => {
    const options = { servername: 'a.test', maxVersion: 'TLSv1.2' as const, ALPNProtocols: ['http/1.1'] };
    expect(serverNameOf(await helloOf(options))).to.equal('a.test');
  });

  it('is empty where the client names none', async () => {
    expect(serverNameOf(await helloOf({}))).to.equal('');
  });

  it('waits for the last byte, and looks at none behind it', () => {
    for (let length = 1; length < hello.length; length++)
      expect(serverNameOf(hello.subarray(0, length)), `${length}`).to.equal(undefined);
    expect(serverNameOf(Buffer.concat([hello, Buffer.from('more')]))).to.equal('chat.example.test');
  });

  for (const size of [1, 3, 4, 100])
    it(`is found where the message is spread over records of ${size}`, () => {
      const spread = inRecords(hello, size);
      expect(serverNameOf(spread)).to.equal('chat.example.test');
      expect(serverNameOf(spread.subarray(0, -1))).to.equal(undefined);
    });

  it('is empty where no hello comes', () => {
    expect(serverNameOf(Buffer.from([0x16, 3, 1, 0, 4, 9]))).to.equal('');
    expect(serverNameOf(Buffer.from([0x16, 3, 1, 0xff, 0xff]))).to.equal('');
    expect(serverNameOf(Buffer.from([0x16, 3, 1, 0, 0]))).to.equal('');
    expect(serverNameOf(inRecords(Buffer.concat([hello.subarray(0, 6), Buffer.alloc(20_000, 0xff)]), 1_000))).to.equal(
      '',
    );
  });

  it('is never more than a string, whatever bytes are changed', () => {
    for (let at = 6; at < hello.length; at++)
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = Buffer.from(hello);
        changed[at] = value;
        const name = serverNameOf(changed);
        expect(name === undefined || typeof name === 'string').to.equal(true);
      }
  });
});
