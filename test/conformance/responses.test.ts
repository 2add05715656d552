import { expect } from 'chai';
import { exchange, RawClient, statusOf } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type RawUpstream, rawUpstream } from '../support/upstreams.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const GET_KEPT = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const GET_10 = 'GET / HTTP/1.0\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An upstream that says `text` to every request, and then ends as `ending` says. */
async function scenario(
  text: string,
  options: { ending?: 'end' | 'reset' | 'stay'; request?: string; cluster?: object } = {},
): Promise<{ answer: string; client: RawClient; upstream: RawUpstream; sidecar: TestSidecar }> {
  const upstream = await rawUpstream((socket, all) => {
    if (!all.includes('\r\n\r\n')) return;
    socket.write(text, 'latin1', () => {
      if (options.ending === 'end') socket.end();
      else if (options.ending === 'reset') socket.resetAndDestroy();
    });
  });
  const sidecar = await startSidecar({ endpoints: [upstream.address], cluster: { ...options.cluster } });
  const client = await RawClient.connect(sidecar.port);
  client.send(options.request ?? GET);
  const answer = await client.untilEnd();
  await sidecar.stop();
  await upstream.stop();
  return { answer, client, upstream, sidecar };
}
const answerTo = async (...args: Parameters<typeof scenario>) => (await scenario(...args)).answer;
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

describe('what comes down', () => {
  it('is the head as it came, order and casing kept', async () => {
    const answer = await answerTo(
      'HTTP/1.1 201 Made It\r\nX-Bb: 2\r\nx-aa: 1\r\nContent-Length: 2\r\nX-bB: 3\r\n\r\nok',
    );
    expect(answer).to.equal(
      'HTTP/1.1 201 Made It\r\nX-Bb: 2\r\nx-aa: 1\r\nContent-Length: 2\r\nX-bB: 3\r\nvia: 1.1 outrigger\r\nconnection: close\r\n\r\nok',
    );
  });

  it('takes a status line without a reason', async () => {
    expect(await answerTo('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n')).to.match(/^HTTP\/1\.1 200 \r\n/);
    expect(await answerTo('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n')).to.match(/^HTTP\/1\.1 200 \r\n/);
  });

  it('is without the fields of the connection', async () => {
    const answer = await answerTo(
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).to.equal('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nvia: 1.1 outrigger\r\nconnection: close\r\n\r\n');
  });

  it('passes chunks, extensions and trailers as they are', async () => {
    const chunks = '3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n';
    expect(bodyOf(await answerTo(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`))).to.equal(chunks);
  });

  it('gives HTTP/1.0 the chunks without their framing', async () => {
    const answer = await answerTo(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
      { request: GET_10 },
    );
    expect(answer).to.not.match(/transfer-encoding/i);
    expect(bodyOf(answer)).to.equal('abcde');
  });

  it('puts into chunks what ends with the connection', async () => {
    const answer = await answerTo('HTTP/1.1 200 OK\r\n\r\nabc', { ending: 'end' });
    expect(answer).to.match(/\r\ntransfer-encoding: chunked\r\n/);
    expect(bodyOf(answer)).to.equal('3\r\nabc\r\n0\r\n\r\n');
  });

  it('lets HTTP/1.0 see the end as it came', async () => {
    const answer = await answerTo('HTTP/1.1 200 OK\r\n\r\nabc', { ending: 'end', request: GET_10 });
    expect(bodyOf(answer)).to.equal('abc');
  });

  it('has no body for HEAD, 204 and 304, whatever their length says', async () => {
    const head = 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answer = await answerTo('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', { request: head });
    expect(answer).to.match(/\r\nContent-Length: 5\r\n/);
    expect(bodyOf(answer)).to.equal('');
    expect(bodyOf(await answerTo('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', { request: head }))).to.equal(
      '',
    );
    const none = await answerTo('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n');
    expect(none).to.not.match(/content-length/i);
    expect(bodyOf(await answerTo('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'))).to.equal('');
  });

  it('passes 100 and 103 on before the final head, but not to HTTP/1.0', async () => {
    const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`;
    expect(await answerTo(text)).to.match(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    expect(await answerTo(text, { request: GET_10 })).to.match(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('says in a 426 what to upgrade to', async () => {
    const answer = await answerTo(
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).to.match(/\r\nupgrade: websocket\r\n/);
  });
});

describe('responses that are refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nab'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['obs-fold', 'HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n'],
    ['a blank before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['NUL', 'HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n'],
    ['a head over 16 KiB', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n',
    ],
  ];
  for (const [what, text] of cases) {
    it(`answers 502 to ${what}, and uses the connection no more`, async () => {
      const { answer, upstream } = await scenario(text);
      expect(statusOf(answer)).to.equal(502);
      expect(upstream.open.size).to.equal(0);
    });
  }

  it('answers 502 where the upstream closes before it answers', async () => {
    expect(statusOf(await answerTo('', { ending: 'end' }))).to.equal(502);
    expect(statusOf(await answerTo('HTTP/1.1 200 OK\r\nContent-', { ending: 'end' }))).to.equal(502);
    expect(statusOf(await answerTo('', { ending: 'reset' }))).to.equal(502);
  });
});

describe('an upstream that dies within its answer', () => {
  it('leaves the client with less than the length', async () => {
    const { answer } = await scenario('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', { ending: 'end' });
    expect(bodyOf(answer)).to.equal('abc');
  });
  it('leaves the client without the last chunk', async () => {
    const { answer } = await scenario('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', {
      ending: 'end',
    });
    expect(bodyOf(answer)).to.equal('3\r\nabc\r\n');
  });
  it('leaves the client without the last chunk, too, where the body would end with the connection', async () => {
    const { answer } = await scenario('HTTP/1.1 200 OK\r\n\r\nabc', { ending: 'reset' });
    expect(answer).to.not.match(/\r\n0\r\n\r\n$/);
  });
  it('resets the connection of HTTP/1.0, which knows no other sign', async () => {
    const { client } = await scenario('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', {
      ending: 'end',
      request: GET_10,
    });
    expect(client.error?.code).to.equal('ECONNRESET');
  });
  it('leaves the client with what was right of bad chunks', async () => {
    const { answer } = await scenario('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n');
    expect(answer).to.not.match(/\r\n0\r\n\r\n$/);
  });
});

describe('pooled connections', () => {
  it('are not used again after bytes behind the response', async () => {
    const upstream = await rawUpstream(
      (socket) => void socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
    );
    const sidecar = await startSidecar({ endpoints: [upstream.address] });
    for (let i = 0; i < 3; i++) expect(bodyOf(await exchange(sidecar.port, GET))).to.equal('ok');
    expect(upstream.connections).to.equal(3);
    await sidecar.stop();
    await upstream.stop();
  });

  it('are not used again after bytes that come while they are idle', async () => {
    let first = true;
    const upstream = await rawUpstream((socket) => {
      socket.write(OK);
      if (first) setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
      first = false;
    });
    const sidecar = await startSidecar({ endpoints: [upstream.address] });
    const client = await RawClient.connect(sidecar.port);
    client.send(GET_KEPT);
    await client.until((text) => text.endsWith('ok'));
    while (upstream.open.size > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    client.send(GET);
    expect(await client.untilEnd())
      .to.match(/ok[\s\S]*ok$/)
      .and.not.match(/evil/);
    expect(upstream.connections).to.equal(2);
    await sidecar.stop();
    await upstream.stop();
  });

  it('are not used again where the upstream says close', async () => {
    const upstream = await rawUpstream(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'),
    );
    const sidecar = await startSidecar({ endpoints: [upstream.address] });
    for (let i = 0; i < 2; i++) await exchange(sidecar.port, GET);
    expect(upstream.connections).to.equal(2);
    await sidecar.stop();
    await upstream.stop();
  });

  it('are replaced once where they are stale and the request may be repeated', async () => {
    const seen = new Map<object, number>();
    const upstream = await rawUpstream((socket) => {
      const count = (seen.get(socket) ?? 0) + 1;
      seen.set(socket, count);
      if (count === 1) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const sidecar = await startSidecar({ endpoints: [upstream.address] });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      await exchange(sidecar.port, GET);
      const answer = await exchange(
        sidecar.port,
        `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc`,
      );
      expect(statusOf(answer), method).to.equal(200);
    }
    await exchange(sidecar.port, GET);
    const post = await exchange(
      sidecar.port,
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(statusOf(post)).to.equal(502);
    await sidecar.stop();
    await upstream.stop();
  });
});
