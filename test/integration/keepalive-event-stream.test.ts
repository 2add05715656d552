import { type ConnectionHooks, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { RawClient } from '../support/raw-client.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';
import { passUntil, TICKS } from '../support/virtual-time.ts';

const GET = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n';
/** What is in the chunks of a response. */
const body = (text: string) => {
  let rest = text.slice(text.indexOf('\r\n\r\n') + 4);
  let payload = '';
  for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
    const from = rest.indexOf('\r\n') + 2;
    payload += rest.slice(from, from + size);
    rest = rest.slice(from + size + 2);
  }
  return payload;
};

describe('keepalive of server-sent events', () => {
  let sidecar: TestSidecar | undefined;
  const upstreams: Upstream[] = [];
  afterEach(async () => {
    await sidecar?.stop();
    sidecar = undefined;
    for (const upstream of upstreams.splice(0)) await upstream.stop();
  });

  async function stream(headers: Record<string, string>, hooks: ConnectionHooks = {}) {
    const clock = new VirtualClock();
    let response!: Parameters<Parameters<typeof httpUpstream>[0]>[1];
    const upstream = await httpUpstream((_request, out) => {
      response = out;
      out.writeHead(200, headers);
      out.flushHeaders();
    });
    upstreams.push(upstream);
    sidecar = await startSidecar({ endpoints: [upstream.address], clock, keepalive: {}, hooks });
    const client = await RawClient.connect(sidecar.port);
    client.send(GET);
    await client.until((text) => text.includes('\r\n\r\n'));
    return { clock, client, response };
  }

  it('puts a comment between two events of a stream that pauses, never into one', async () => {
    const { clock, client, response } = await stream({ 'content-type': 'text/event-stream' });
    response.write('data: one\n\n');
    await client.until((text) => body(text) === 'data: one\n\n');
    const paused = await passUntil(clock, () => body(client.received) !== 'data: one\n\n');
    expect(paused).to.be.within(21_000, 25_000 + TICKS);
    expect(body(client.received)).to.equal('data: one\n\n: keepalive\n\n');
    response.write('data: two\n');
    await client.until((text) => body(text).endsWith('two\n'));
    await passUntil(clock, () => clock.now() > 100_000);
    expect(body(client.received)).to.equal('data: one\n\n: keepalive\n\ndata: two\n');
    response.write('\r\n');
    await client.until((text) => body(text).endsWith('two\n\r\n'));
    await passUntil(clock, () => body(client.received).endsWith(': keepalive\n\n'));
    response.end('data: three\n\n');
    await client.until((text) => text.endsWith('0\r\n\r\n'));
    expect(body(client.received)).to.equal('data: one\n\n: keepalive\n\ndata: two\n\r\n: keepalive\n\ndata: three\n\n');
    client.destroy();
  });

  it('leaves encoded streams, other types and paused bodies with a length alone', async () => {
    for (const headers of [
      { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'text/event-stream', 'content-length': '100' },
    ]) {
      const { clock, client } = await stream(headers);
      await passUntil(clock, () => clock.now() > 60_000);
      expect(client.received.slice(client.received.indexOf('\r\n\r\n') + 4)).to.equal('');
      client.destroy();
      await sidecar!.stop();
    }
  });

  it('works behind a transform, whose output is what the client sees', async () => {
    const { clock, client, response } = await stream(
      { 'content-type': 'text/event-stream; charset=utf-8' },
      {
        onResponse: (session) => {
          session.transformResponse({
            write: (chunk, emit) => emit(Buffer.from(String(chunk).toUpperCase())),
            end: () => {},
          });
        },
      },
    );
    response.write('data: one\n\n');
    await client.until((text) => body(text) === 'DATA: ONE\n\n');
    await passUntil(clock, () => body(client.received) === 'DATA: ONE\n\n: keepalive\n\n');
    client.destroy();
  });
});
