import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { exchange, RawClient, statusOf } from '../support/raw-client.ts';
import { type SidecarOptions, startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { echoMessages, type RawUpstream, rawUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const HANDSHAKE = `GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;

/** The planes, by what makes a sidecar choose them. */
const PLANES: Readonly<Record<string, Partial<SidecarOptions>>> = {
  frames: {},
  messages: { hooks: { onMessage: () => undefined } },
  'messages, with a hook that waits': {
    hooks: { onMessage: () => new Promise<void>((resolve) => setImmediate(resolve)) },
  },
  bytes: { listener: { websocket: { plane: 'bytes' } } },
};

async function closeOf(socket: WebSocket): Promise<readonly [code: number, reason: string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}

for (const [plane, options] of Object.entries(PLANES)) {
  for (const deflate of [false, true]) {
    describe(`a WebSocket on the plane of ${plane}, ${deflate ? 'compressed' : 'plain'}`, () => {
      let upstream: Upstream & { readonly sockets: Set<WebSocket> };
      let sidecar: TestSidecar;
      let client: WebSocket;
      before(async () => {
        upstream = await webSocketUpstream(echoMessages, {
          perMessageDeflate: deflate ? { threshold: 0 } : false,
          handleProtocols: (protocols) => (protocols.has('chat') ? 'chat' : false),
        });
        sidecar = await startSidecar({ endpoints: [upstream.address], ...options });
      });
      after(async () => {
        await sidecar.stop();
        await upstream.stop();
      });
      beforeEach(async () => {
        client = new WebSocket(`${sidecar.url.replace('http', 'ws')}/ws`, ['other', 'chat'], {
          perMessageDeflate: deflate,
          maxPayload: 1 << 28,
        });
        await once(client, 'open');
      });
      afterEach(async () => {
        client.terminate();
        await sidecar.runtime.sessions.none();
      });

      it('agrees on the subprotocol and the extension', () => {
        expect(client.protocol).to.equal('chat');
        expect(client.extensions).to.equal(deflate ? 'permessage-deflate' : '');
      });

      it('carries messages of every size, text and binary, unchanged and in order', async () => {
        const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
        const sent = sizes.map((size) => randomBytes(size));
        for (const bytes of sent) {
          client.send(bytes);
          client.send(bytes.toString('hex'));
        }
        const got: [Buffer, boolean][] = [];
        await new Promise<void>((resolve) => {
          client.on('message', (data, binary) => {
            got.push([data as Buffer, binary]);
            if (got.length === 2 * sizes.length) resolve();
          });
        });
        for (const [i, bytes] of sent.entries()) {
          expect(got[2 * i]![1]).to.equal(true);
          expect(bytes.equals(got[2 * i]![0]), `binary ${bytes.length}`).to.equal(true);
          expect(got[2 * i + 1]![1]).to.equal(false);
          expect(got[2 * i + 1]![0].toString()).to.equal(bytes.toString('hex'));
        }
      });

      it('carries fragments, with a ping between them', async () => {
        client.send('a', { fin: false });
        client.ping('between');
        client.send('b', { fin: true });
        const [[pong], [message]] = (await Promise.all([once(client, 'pong'), once(client, 'message')])) as [
          [Buffer],
          [Buffer],
        ];
        expect(pong.toString()).to.equal('between');
        expect(message.toString()).to.equal('ab');
      });

      it('carries the code and the reason of a close, from the client', async () => {
        const [server] = upstream.sockets as unknown as Iterable<WebSocket>;
        const atServer = closeOf(server!);
        client.close(3001, 'good night');
        expect(await closeOf(client)).to.deep.equal([3001, 'good night']);
        expect(await atServer).to.deep.equal([3001, 'good night']);
      });

      it('carries the code and the reason of a close, from the upstream, behind its messages', async () => {
        const [server] = upstream.sockets as unknown as Iterable<WebSocket>;
        const messages: string[] = [];
        client.on('message', (data) => messages.push(String(data)));
        for (let i = 0; i < 20; i++) server!.send(`${i}`);
        server!.close(4000, 'enough');
        expect(await closeOf(client)).to.deep.equal([4000, 'enough']);
        expect(messages).to.deep.equal(Array.from({ length: 20 }, (_, i) => `${i}`));
      });

      it('ends where one side is gone without a close', async () => {
        const [server] = upstream.sockets as unknown as Iterable<WebSocket>;
        const atServer = closeOf(server!);
        client.terminate();
        expect((await atServer)[0]).to.equal(1006);
      });

      it('ends where the upstream is gone without a close', async () => {
        const [server] = upstream.sockets as unknown as Iterable<WebSocket>;
        server!.terminate();
        expect((await closeOf(client))[0]).to.equal(1006);
      });
    });
  }
}

describe('a WebSocket handshake', () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ['no key', HANDSHAKE.replace(/Sec-WebSocket-Key.*\r\n/, ''), 400],
    ['a short key', HANDSHAKE.replace(KEY, 'abc='), 400],
    ['two keys', HANDSHAKE.replace('Sec-WebSocket-Version', `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version`), 400],
    ['no version', HANDSHAKE.replace(/Sec-WebSocket-Version.*\r\n/, ''), 400],
    ['version 8', HANDSHAKE.replace('Version: 13', 'Version: 8'), 426],
    ['POST', HANDSHAKE.replace('GET', 'POST'), 400],
    ['a body', HANDSHAKE.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc'), 400],
    ['chunks', HANDSHAKE.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 400],
    ['HTTP/1.0', HANDSHAKE.replace('HTTP/1.1', 'HTTP/1.0'), 400],
    ['a subprotocol that is no token', HANDSHAKE.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: a b\r\n\r\n'), 400],
  ];
  let upstream: RawUpstream;
  let sidecar: TestSidecar;
  let answer = SWITCHING;
  before(async () => {
    upstream = await rawUpstream((socket, all) => {
      if (all.endsWith('\r\n\r\n')) socket.write(answer, 'latin1');
    });
    sidecar = await startSidecar({ endpoints: [upstream.address] });
  });
  after(async () => {
    await sidecar.stop();
    await upstream.stop();
  });

  for (const [what, request, status] of refused) {
    it(`with ${what} is answered ${status}, and nothing goes up`, async () => {
      const before = upstream.received.length;
      const text = await exchange(sidecar.port, request);
      expect(statusOf(text)).to.equal(status);
      if (status === 426)
        expect(text)
          .to.match(/\r\nsec-websocket-version: 13\r\n/)
          .and.to.match(/\r\nupgrade: websocket\r\n/);
      expect(upstream.received.length).to.equal(before);
    });
  }

  for (const [what, text] of [
    ['another accept', SWITCHING.replace(ACCEPT, createHash('sha1').update('x').digest('base64'))],
    ['no accept', SWITCHING.replace(/Sec-WebSocket-Accept.*\r\n/, '')],
    ['no Upgrade', SWITCHING.replace('Upgrade: websocket\r\n', '')],
    ['another Upgrade', SWITCHING.replace('Upgrade: websocket', 'Upgrade: foo')],
    ['a subprotocol that nobody offered', SWITCHING.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: x\r\n\r\n')],
  ] as const) {
    it(`is answered 502 where the 101 has ${what}, and nothing is tunnelled`, async () => {
      answer = text;
      const client = await RawClient.connect(sidecar.port);
      client.send(`${HANDSHAKE}early bytes`);
      expect(statusOf(await client.until((received) => received.includes('\r\n\r\n')))).to.equal(502);
      client.destroy();
      expect(upstream.received).to.not.include('early bytes');
    });
  }

  it('lets another answer than 101 pass, and goes on as HTTP', async () => {
    answer = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno';
    const client = await RawClient.connect(sidecar.port);
    client.send(HANDSHAKE);
    await client.until((text) => text.endsWith('no'));
    client.send(HANDSHAKE);
    expect((await client.until((text) => text.split('401').length === 3)).match(/HTTP\/1.1 401/g)).to.have.length(2);
    client.destroy();
  });

  it('delivers bytes that come with the handshake, and with the 101', async () => {
    answer = `${SWITCHING}\x81\x02hi`;
    const client = await RawClient.connect(sidecar.port);
    client.send(Buffer.concat([Buffer.from(HANDSHAKE), Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x79, 0x6f])]));
    const text = await client.until((received) => received.endsWith('\x81\x02hi'));
    expect(statusOf(text)).to.equal(101);
    while (!upstream.received.endsWith('yo')) await new Promise<void>((resolve) => setImmediate(resolve));
    client.destroy();
  });
});

describe('a WebSocket that breaks the protocol', () => {
  /** Frames of a client, masked with zeros; what closes them. */
  const cases: readonly (readonly [string, number[], number])[] = [
    ['an unmasked frame', [0x81, 0x01, 0x61], 1002],
    ['a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['an unknown control opcode', [0x8b, 0x80, 0, 0, 0, 0], 1002],
    ['a fragmented ping', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['a long ping', [0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...new Array<number>(126).fill(0)], 1002],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['a message within a message', [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 1002],
    ['a close of one byte', [0x88, 0x81, 0, 0, 0, 0, 1], 1002],
    ['a close with 1005', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002],
    ['a message over maxMessageSize', [0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0], 1009],
  ];
  for (const [plane, options] of Object.entries({ frames: PLANES['frames']!, messages: PLANES['messages']! })) {
    for (const [what, bytes, code] of cases) {
      it(`is closed with ${code} on both sides for ${what} (${plane})`, async () => {
        let atUpstream: Promise<readonly [number, string]> | undefined;
        const upstream = await webSocketUpstream((socket) => {
          atUpstream = closeOf(socket);
        });
        const sidecar = await startSidecar({ endpoints: [upstream.address], ...options });
        const client = await RawClient.connect(sidecar.port);
        client.send(HANDSHAKE);
        await client.until((text) => text.endsWith('\r\n\r\n'));
        client.send(Buffer.from(bytes));
        const text = await client.untilEnd();
        const close = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
        expect([close[0], close.readUInt16BE(2)]).to.deep.equal([0x88, code]);
        expect((await atUpstream!)[0]).to.equal(code);
        await sidecar.stop();
        await upstream.stop();
      });
    }
  }

  it('is closed with 1007 for text that is not UTF-8, on the plane of messages', async () => {
    const upstream = await webSocketUpstream(() => {});
    const sidecar = await startSidecar({ endpoints: [upstream.address], ...PLANES['messages']! });
    const client = new WebSocket(sidecar.url.replace('http', 'ws'));
    await once(client, 'open');
    client.send(Buffer.from([0xff]), { binary: false });
    expect((await closeOf(client))[0]).to.equal(1007);
    await sidecar.stop();
    await upstream.stop();
  });
});
