import { expect } from 'chai';
import { exchange, RawClient, statusOf } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type Echo, echoUpstream, field, type Upstream } from '../support/upstreams.ts';

const bodyOf = (answer: string) =>
  JSON.parse(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').toString()) as Echo;
const get = (lines: string, version = '1.1') =>
  `GET /a?b=1 HTTP/${version}\r\nHost: shop.example:80\r\nConnection: close\r\n${lines}\r\n`;

describe('what goes up', () => {
  let upstream: Upstream;
  let sidecar: TestSidecar;
  const echo = async (request: string): Promise<Echo> => {
    const answer = await exchange(sidecar.port, request);
    expect(statusOf(answer), answer).to.equal(200);
    return bodyOf(answer);
  };
  before(async () => {
    upstream = await echoUpstream();
    sidecar = await startSidecar({ endpoints: [upstream.address] });
  });
  after(async () => {
    await sidecar.stop();
    await upstream.stop();
  });

  it('is the head as it came, order and casing kept, and ours behind it', async () => {
    const { url, headers } = await echo(get('X-Bb: 2\r\nx-aa:  1 \r\nX-bB: 3\r\n'));
    expect(url).to.equal('/a?b=1');
    expect(headers.slice(0, 8)).to.deep.equal(['Host', 'shop.example:80', 'X-Bb', '2', 'x-aa', '1', 'X-bB', '3']);
    expect(headers.slice(8, -1)).to.deep.equal([
      'via',
      '1.1 outrigger',
      'x-forwarded-for',
      '127.0.0.1',
      'x-forwarded-proto',
      'http',
      'x-forwarded-host',
      'shop.example:80',
      'x-request-id',
    ]);
    expect(headers.at(-1)).to.match(/^[0-9a-f]{32}$/);
  });

  it('keeps bytes beyond ASCII in a value as they are', async () => {
    expect(field((await echo(get('X: \xe4\xff\r\n'))).headers, 'x')).to.equal('\xe4\xff');
  });

  for (const name of ['Keep-Alive', 'Proxy-Connection', 'TE', 'HTTP2-Settings', 'Upgrade']) {
    it(`is without ${name}`, async () => {
      expect(field((await echo(get(`${name}: foo\r\n`))).headers, name.toLowerCase())).to.equal(undefined);
    });
  }

  it('is without what Connection names', async () => {
    const { headers } = await echo(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Hop: 1\r\nConnection: close, x-hop\r\nX-Stay: 1\r\n\r\n',
    );
    expect(field(headers, 'x-hop')).to.equal(undefined);
    expect(field(headers, 'x-stay')).to.equal('1');
    expect(field(headers, 'connection')).to.not.match(/x-hop/);
  });

  for (const name of ['Host', 'Authorization', 'Cookie', 'X-Forwarded-Proto', 'X-Request-Id', 'Traceparent']) {
    it(`keeps ${name}, whatever Connection names`, async () => {
      const value = name === 'Host' ? 'a' : 'http';
      const lines = name === 'Host' ? 'Host: a\r\n' : `Host: a\r\n${name}: ${value}\r\n`;
      const { headers } = await echo(`GET / HTTP/1.1\r\n${lines}Connection: close, ${name}\r\n\r\n`);
      expect(field(headers, name.toLowerCase())).to.equal(value);
    });
  }

  it('keeps Transfer-Encoding and Content-Length, whatever Connection names: a body without its frame is the next request', async () => {
    const chunked = await echo(
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close, transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    );
    expect(chunked.body).to.equal('abc');
    const long = await echo(
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close, content-length\r\nContent-Length: 3\r\n\r\nabc',
    );
    expect(long.body).to.equal('abc');
  });

  it('replaces what a client claims of itself', async () => {
    const { headers } = await echo(
      get(
        'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-By: me\r\n' +
          'X-Forwarded-User: root\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Client-Cert: Hash=1\r\nClient-Cert: :x:\r\nClient-Cert-Chain: :x:\r\n',
      ),
    );
    const named = headers.filter((_, i) => i % 2 === 0).filter((name) => /forwarded|cert|real/i.test(name));
    expect(named).to.deep.equal(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']);
    expect(field(headers, 'x-forwarded-for')).to.equal('127.0.0.1');
    expect(field(headers, 'x-forwarded-proto')).to.equal('http');
    expect(field(headers, 'x-forwarded-host')).to.equal('shop.example:80');
  });

  it('adds to what a trusted peer says', async () => {
    const trusting = await startSidecar({ endpoints: [upstream.address], listener: { trustedPeers: ['127.0.0.0/8'] } });
    try {
      const answer = await exchange(
        trusting.port,
        get(
          'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\nForwarded: for=1.2.3.4\r\n',
        ),
      );
      const { headers } = bodyOf(answer);
      expect(field(headers, 'x-forwarded-for')).to.equal('1.2.3.4, 5.6.7.8, 127.0.0.1');
      expect(field(headers, 'x-forwarded-proto')).to.equal('https');
      expect(field(headers, 'x-forwarded-host')).to.equal('shop');
      expect(field(headers, 'forwarded')).to.equal('for=1.2.3.4');
    } finally {
      await trusting.stop();
    }
  });

  it("keeps a usable x-request-id and replaces one that isn't", async () => {
    expect(field((await echo(get('X-Request-Id: abc-1\r\n'))).headers, 'x-request-id')).to.equal('abc-1');
    expect(field((await echo(get('X-Request-Id: a b\r\n'))).headers, 'x-request-id')).to.match(/^[0-9a-f]{32}$/);
    expect(field((await echo(get(`X-Request-Id: ${'a'.repeat(129)}\r\n`))).headers, 'x-request-id')).to.match(
      /^[0-9a-f]{32}$/,
    );
  });

  it('passes TE: trailers on', async () => {
    const { headers } = await echo(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\nTE: trailers, deflate\r\n\r\n',
    );
    expect(field(headers, 'te')).to.equal('trailers');
  });

  it('takes the absolute form, and sends the origin form', async () => {
    const { url, headers } = await echo('GET http://Cart:80/x?y HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    expect(url).to.equal('/x?y');
    expect(field(headers, 'host')).to.equal('cart');
    expect((await echo('GET http://cart HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n')).url).to.equal('/');
    expect((await echo('GET http://cart?q HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n')).url).to.equal('/?q');
  });

  it('takes OPTIONS *', async () => {
    const { method, url } = await echo('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect([method, url]).to.deep.equal(['OPTIONS', '*']);
  });

  it('serves an upgrade to something else as HTTP/1.1', async () => {
    const { headers } = await echo(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n',
    );
    for (const name of ['upgrade', 'http2-settings']) expect(field(headers, name)).to.equal(undefined);
  });

  it('gives HTTP/1.0 without Host the name of the endpoint, and closes', async () => {
    const answer = await exchange(sidecar.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(answer)
      .to.match(/^HTTP\/1\.1 200 OK\r\n/)
      .and.to.match(/\r\nconnection: close\r\n/);
    expect(field(bodyOf(answer).headers, 'host')).to.equal(upstream.address);
  });

  it('keeps the connection of HTTP/1.0 where it asks for that', async () => {
    const client = await RawClient.connect(sidecar.port);
    client.send('GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    await client.until((received) => /"url":"\/1".*}/.test(received));
    expect(client.received).to.match(/\r\nconnection: keep-alive\r\n/);
    client.send('GET /2 HTTP/1.0\r\nHost: a\r\n\r\n');
    expect(await client.untilEnd()).to.match(/"url":"\/2"/);
  });

  it('passes an empty line before a request over', async () => {
    expect((await echo(`\r\n${get('')}`)).method).to.equal('GET');
  });

  it('answers pipelined requests in order', async () => {
    const requests = Array.from(
      { length: 50 },
      (_, i) => `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: ${i}\r\n\r\n${'x'.repeat(i)}`,
    );
    const client = await RawClient.connect(sidecar.port);
    client.send(requests.join(''));
    const received = await client.until((text) => text.includes('"url":"/49"') && text.endsWith('}'));
    const echoes = [...received.matchAll(/\{"method":"POST","url":"\/(\d+)".*?"body":"(x*)"\}/g)];
    expect(echoes.map(([, url, body]) => `${url} ${body!.length}`)).to.deep.equal(requests.map((_, i) => `${i} ${i}`));
    client.destroy();
  });

  it('answers all that was pipelined before the client sent its FIN', async () => {
    const client = await RawClient.connect(sidecar.port);
    client.socket.end('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HT', 'latin1');
    expect((await client.untilEnd()).match(/"url":"[^"]*"/g)).to.deep.equal(['"url":"/1"', '"url":"/2"']);
  });

  it('takes requests byte by byte', async () => {
    const client = await RawClient.connect(sidecar.port);
    client.socket.setNoDelay(true);
    for (const byte of 'POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a="b\\"c";d\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n') {
      client.send(byte);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const received = await client.until((text) => text.endsWith('}'));
    const { body, trailers } = bodyOf(received);
    expect(body).to.equal('abcde');
    expect(trailers).to.deep.equal(['X-T', '1']);
    client.destroy();
  });

  it('uses a pooled connection again', async () => {
    const before = upstream.connections;
    for (let i = 0; i < 10; i++) await echo(get(''));
    expect(upstream.connections - before).to.be.at.most(1);
  });
});
