import { randomBytes } from 'node:crypto';
import { type BodyTransform, type ConnectionHooks, type Session, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { Books } from '../support/books.ts';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type Echo, echoUpstream, field, rawUpstream, type Upstream } from '../support/upstreams.ts';
import { eventually, turns } from '../support/virtual-time.ts';

const later = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Turns letters round, and says how long the body was behind it. */
function upperCase(waits: boolean): BodyTransform {
  let length = 0;
  const write = (chunk: Buffer, emit: (bytes: Buffer) => void) => {
    length += chunk.length;
    emit(Buffer.from(chunk.toString('latin1').toUpperCase(), 'latin1'));
  };
  const end = (emit: (bytes: Buffer) => void) => emit(Buffer.from(`|${length}`));
  if (!waits) return { write, end };
  return {
    async write(chunk, emit) {
      await later();
      write(chunk, emit);
    },
    async end(emit) {
      await later();
      end(emit);
    },
  };
}

describe('a body transform', () => {
  let books: Books;
  let upstream: Upstream;
  let sidecar: TestSidecar;
  let client: RawClient;

  async function set(hooks: ConnectionHooks, made: Promise<Upstream> = echoUpstream()): Promise<void> {
    books = new Books();
    upstream = await made;
    sidecar = await startSidecar({ endpoints: [upstream.address], hooks, plugins: [books.plugin] });
    client = await RawClient.connect(sidecar.port);
  }
  afterEach(async () => {
    client.destroy();
    await books.balance(sidecar).finally(async () => {
      await sidecar.stop();
      await upstream.stop();
    });
  });
  const attach = (up: BodyTransform | undefined, down: BodyTransform | undefined) => (session: Session) => {
    if (up !== undefined) session.transformRequest(up);
    if (down !== undefined) session.transformResponse(down);
    return undefined;
  };
  /** The body of a response in chunks, or until close. */
  const bodyOf = (text: string) => {
    const head = text.indexOf('\r\n\r\n') + 4;
    const rest = text.slice(head);
    if (!/transfer-encoding: chunked/i.test(text.slice(0, head))) return rest;
    let body = '';
    for (let at = 0; ; ) {
      const end = rest.indexOf('\r\n', at);
      const size = Number.parseInt(rest.slice(at, end), 16);
      if (size === 0) return body;
      body += rest.slice(end + 2, end + 2 + size);
      at = end + 4 + size;
    }
  };
  const post = (version: string, body: string, chunked = false) =>
    `POST / HTTP/${version}\r\nHost: a\r\nConnection: close\r\n${chunked ? `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : `Content-Length: ${body.length}\r\n\r\n${body}`}`;

  for (const waits of [false, true]) {
    const how = waits ? 'waits' : 'is synchronous';
    for (const chunked of [false, true]) {
      it(`that ${how} changes a request ${chunked ? 'in chunks' : 'with a length'} on its way up`, async () => {
        await set({ onRequest: attach(upperCase(waits), undefined) });
        client.send(post('1.1', 'hello', chunked));
        const echo = JSON.parse(bodyOf(await client.untilEnd())) as Echo;
        expect(echo.body).to.equal('HELLO|5');
        expect(field(echo.headers, 'content-length')).to.equal(undefined);
      });
    }

    for (const version of ['1.1', '1.0']) {
      it(`that ${how} changes both ways at once, for HTTP/${version}`, async () => {
        await set({ onRoute: attach(upperCase(waits), upperCase(waits)) });
        client.send(post(version, 'x'.repeat(50_000)));
        const body = bodyOf(await client.untilEnd());
        const [text, length] = body.split(/\|(?=\d+$)/) as [string, string];
        expect(text).to.include(`"BODY":"${'X'.repeat(50_000)}|50000"`);
        expect(Number(length)).to.equal(text.length);
      });
    }

    it(`that ${how} leaves what has no body alone: HEAD, 204, 304`, async () => {
      for (const [method, status] of [
        ['HEAD', 200],
        ['GET', 204],
        ['GET', 304],
      ] as const) {
        await set(
          { onResponse: attach(undefined, upperCase(waits)) },
          rawUpstream(
            (socket) =>
              void socket.write(`HTTP/1.1 ${status} X\r\n${status === 200 ? 'Content-Length: 5\r\n' : ''}\r\n`),
          ),
        );
        client.send(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
        const text = await client.untilEnd();
        expect(statusOf(text)).to.equal(status);
        expect(text.endsWith('\r\n\r\n')).to.equal(true);
        expect(text).to.not.match(/transfer-encoding/i);
        if (status === 304) return;
        await books.balance(sidecar);
        await sidecar.stop();
        await upstream.stop();
      }
    });

    it(`that ${how} and fails is answered 500 while nothing has gone down, and else cut`, async () => {
      const failing: BodyTransform = {
        write: () => {
          if (waits) return Promise.reject(new Error('boom'));
          throw new Error('boom');
        },
        end: () => {},
      };
      const outcome = async () => {
        await sidecar.runtime.sessions.none();
        return books.outcomes.splice(0).map(({ cause }) => cause);
      };
      await set({ onRequest: attach(failing, undefined) });
      client.send(post('1.1', 'hello'));
      expect(statusOf(await client.untilEnd())).to.equal(500);
      expect(await outcome()).to.deep.equal(['internal']);
      await sidecar.stop();
      await upstream.stop();
      await set({ onRequest: attach(undefined, failing) });
      client.send(post('1.1', 'hello'));
      expect(await client.untilEnd()).to.not.match(/0\r\n\r\n$/);
      expect(await outcome()).to.deep.equal(['internal']);
    });
  }

  it('that waits holds up a large body in both directions, which arrives whole', async () => {
    const slow = (): BodyTransform => ({
      async write(chunk, emit) {
        const copy = Buffer.from(chunk);
        await later();
        emit(copy.subarray(0, copy.length >> 1));
        await later();
        emit(copy.subarray(copy.length >> 1));
      },
      end: () => {},
    });
    await set({ onRequest: (session) => attach(slow(), slow())(session) });
    const sent = randomBytes(3_000_000).toString('hex');
    client.send(post('1.1', sent));
    const echo = JSON.parse(bodyOf(await client.untilEnd())) as Echo;
    expect(echo.body === sent, 'the body arrives as it was sent').to.equal(true);
  });

  it('that waits longer than timeouts.body is not taken for a client that stalls', async () => {
    const clock = new VirtualClock();
    let settle: (() => void) | undefined;
    const transform: BodyTransform = {
      write: (chunk, emit) =>
        new Promise<void>((resolve) => {
          settle = () => {
            emit(Buffer.from(chunk));
            resolve();
          };
        }),
      end: () => {},
    };
    await set({});
    const own = await startSidecar({
      endpoints: [upstream.address],
      clock,
      hooks: { onRequest: attach(transform, undefined) },
      listener: { timeouts: { body: 1_000 } },
    });
    const patient = await RawClient.connect(own.port);
    patient.send(post('1.1', 'hello').slice(0, -2));
    await eventually(() => settle !== undefined);
    clock.advance(5_000);
    await turns();
    expect(patient.received).to.equal('');
    const first = settle;
    patient.send('lo');
    first!();
    await eventually(() => settle !== first);
    settle!();
    expect(statusOf(await patient.untilEnd())).to.equal(200);
    await own.stop();
  });

  it('of a response that is whole before its request takes no more of the request, and the process lives', async () => {
    let settle: (() => void) | undefined;
    const transform: BodyTransform = {
      write: (chunk, emit) =>
        new Promise<void>((resolve) => {
          settle = () => {
            emit(Buffer.from(chunk));
            resolve();
          };
        }),
      end: () => {},
    };
    await set(
      { onResponse: attach(undefined, transform) },
      rawUpstream((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    );
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await eventually(() => settle !== undefined);
    client.send('defg');
    await turns();
    settle!();
    expect(bodyOf(await client.untilEnd())).to.equal('ok');
  });

  it('cannot be attached when it is too late', async () => {
    const errors: unknown[] = [];
    const trying = (f: () => void) => {
      try {
        f();
      } catch (error) {
        errors.push(error);
      }
    };
    await set({
      onResponse: (session) => trying(() => session.transformRequest(upperCase(false))),
      onSessionEnd: (session) => trying(() => session.transformResponse(upperCase(false))),
    });
    client.send(post('1.1', 'hello'));
    expect(statusOf(await client.untilEnd())).to.equal(200);
    expect(errors.map(String)).to.have.length(2);
    expect(String(errors[0])).to.match(/too late/);
  });
});
