import { expect } from 'chai';
import { exchange, RawClient, statusOf } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type RawUpstream, rawUpstream } from '../support/upstreams.ts';

type Case = readonly [what: string, request: string, status: number];

/** Heads that are refused, and with what. Not one byte of them may reach the upstream. */
const HEADS: readonly Case[] = [
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'chunks and a length',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['two lengths that differ', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 400],
  ['two lengths that agree', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 400],
  ['a list of lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc', 400],
  ['a length with a sign', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc', 400],
  ['a negative length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n', 400],
  ['a hexadecimal length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc', 400],
  ['an empty length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n', 400],
  ['a length beyond all numbers', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n', 400],
  ['chunked that is not last', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n', 400],
  ['chunked twice', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n', 400],
  [
    'chunked in two fields',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['an unknown coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 400],
  ['identity', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n', 400],
  [
    'a coding with a control character',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['obs-fold', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n', 400],
  ['obs-fold with a tab', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n', 400],
  ['a blank before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 400],
  ['bare LF everywhere', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['a bare LF behind a field', 'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n', 400],
  ['a bare LF at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 400],
  ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n', 400],
  ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n', 400],
  ['NUL in a name', 'GET / HTTP/1.1\r\nHost: a\r\nX\x00: 1\r\n\r\n', 400],
  ['NUL in the target', 'GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['DEL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n', 400],
  ['a blank before the colon', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\n', 400],
  ['a tab before the colon', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 3\r\n\r\n', 400],
  ['an empty name', 'GET / HTTP/1.1\r\nHost: a\r\n: 3\r\n\r\n', 400],
  ['a field without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n', 400],
  ['a name that is no token', 'GET / HTTP/1.1\r\nHost: a\r\nfo(o: 3\r\n\r\n', 400],
  ['a name beyond ASCII', 'GET / HTTP/1.1\r\nHost: a\r\nf\xf6\xf6: 3\r\n\r\n', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['the same Host twice', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', 400],
  ['a list of Hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['a Host with userinfo', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
  ['a Host with a bad port', 'GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n', 400],
  ['an absolute target that contradicts Host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target of another port', 'GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target with userinfo', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a target without a slash', 'GET foo HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a target beyond ASCII', 'GET /\xf6 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['the asterisk for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['two blanks', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a tab as a blank', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a blank at the end of the request line', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
  ['no version', 'GET /\r\nHost: a\r\n\r\n', 400],
  ['a version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
  ['a longer version', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', 400],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
  ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['a method that is no token', 'G{T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 405],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ['a head over 16 KiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(16_384)}\r\n\r\n`, 431],
  ['101 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(100)}\r\n`, 431],
  ['a target over 8 KiB', `GET /${'a'.repeat(8_192)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['a target that fills the head', `GET /${'a'.repeat(20_000)}`, 414],
];

/** Bodies that are refused where they come with their head. */
const BODIES: readonly Case[] = [
  [
    'a chunk size that is no number',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n',
    400,
  ],
  ['an empty chunk size', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n', 400],
  [
    'a chunk size with 0x',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk size with a sign',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk size with a blank',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk size beyond all numbers',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a bare LF behind a chunk size',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a bare LF in a chunk extension',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a bare CR in a chunk extension',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk longer than its size',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n',
    400,
  ],
  [
    'a length in the trailers',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n',
    400,
  ],
  ...['3;', '3; a', '3 ;a', '3;a=', '3;;a', '3;a =b', '3;="b"', '3;a="b"c', '3;a="b', `3;a=${'x'.repeat(16_400)}`].map(
    (line): Case => [
      `the chunk line ${line.slice(0, 12)}`,
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${line}\r\nabc\r\n0\r\n\r\n`,
      400,
    ],
  ),
  ['a malformed trailer', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nfoo\r\n\r\n', 400],
];

describe('requests that are refused', () => {
  let upstream: RawUpstream;
  let sidecar: TestSidecar;
  before(async () => {
    upstream = await rawUpstream((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    sidecar = await startSidecar({ endpoints: [upstream.address] });
  });
  after(async () => {
    await sidecar.stop();
    await upstream.stop();
  });

  for (const [what, request, status] of [...HEADS, ...BODIES]) {
    it(`answers ${status} to ${what}, closes, and sends nothing up`, async () => {
      const answer = await exchange(sidecar.port, request);
      expect(statusOf(answer)).to.equal(status);
      expect(answer).to.match(/\r\nconnection: close\r\n/);
      expect(upstream.received).to.equal('');
    });
  }

  it('refuses them byte by byte, too, as soon as the wrong byte is there', async () => {
    for (const [what, request, status] of HEADS) {
      if (request.length > 300) continue;
      const client = await RawClient.connect(sidecar.port);
      client.socket.setNoDelay(true);
      for (const byte of request) {
        client.send(byte);
        if (client.ended) break;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      expect(statusOf(await client.untilEnd()), what).to.equal(status);
    }
    expect(upstream.received).to.equal('');
  });

  it('says which methods it takes', async () => {
    expect(await exchange(sidecar.port, 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n')).to.match(/\r\nallow: GET, HEAD, POST/);
  });

  it('takes a head of exactly 16 KiB, and a hundred fields', async () => {
    const start = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ';
    const full = `${start}${'x'.repeat(16_384 - start.length - 4)}\r\n\r\n`;
    expect(statusOf(await exchange(sidecar.port, full))).to.equal(200);
    const fields = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${'X: 1\r\n'.repeat(98)}\r\n`;
    expect(statusOf(await exchange(sidecar.port, fields))).to.equal(200);
  });
});
