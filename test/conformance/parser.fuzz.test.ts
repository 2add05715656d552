import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { type Draft, draftOf, textOf } from '../support/request-grammar.ts';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { type RawUpstream, rawUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/virtual-time.ts';

/** FC_RUNS and FC_SEED repeat a run, or make it longer. */
const RUNS = Number(process.env['FC_RUNS'] ?? 4_000);
const SEED = Number(process.env['FC_SEED'] ?? Date.now() & 0x7fff_ffff);

/**
 * Where Node refuses and we do not, on purpose:
 * - methods: any token is one (RFC 9110 §9.1); Node knows a list.
 */
function wanted({ method }: Draft): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method) && !KNOWN.has(method);
}
const KNOWN = new Set(['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'M-SEARCH']);

/** A message as a parser of Node's has read it. */
interface Read {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly trailers: readonly string[];
  readonly body: string;
}

/** Ours, and what belongs to one connection or frames one message. */
const HOP = new Set(
  'connection keep-alive proxy-connection te transfer-encoding upgrade http2-settings via x-request-id host content-length expect'.split(
    ' ',
  ),
);

/** RFC 9112 §3.2.2, §3.2.4: what an absolute target becomes on its way to an origin server. */
function originForm({ method, target }: Read): string {
  const origin = target.replace(/^https?:\/\/[^/?]+/i, '');
  if (origin === '') return method === 'OPTIONS' ? '*' : '/';
  return origin.startsWith('?') ? `/${origin}` : origin;
}

describe('a request, read by Node and through the sidecar', () => {
  let node: Server;
  let reads: Read[] = [];
  let upstream: RawUpstream;
  let sidecar: TestSidecar;

  before(async () => {
    node = createServer({ insecureHTTPParser: false, maxHeaderSize: 32 * 1024 });
    node.on('request', (request, response) => void record(request, () => response.end('ok')));
    node.on('checkContinue', (request, response) => void record(request, () => response.end('ok')));
    node.on('checkExpectation', (request, response) => void record(request, () => response.end('ok')));
    node.on('upgrade', (request, socket) => void record(request, () => socket.end('HTTP/1.1 200 OK\r\n\r\n')));
    node.on('connect', (_, socket) => socket.end('HTTP/1.1 405 No\r\n\r\n'));
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
    upstream = await rawUpstream((socket, all) => {
      if (all.includes('\r\n\r\n') && !socket.writableEnded)
        socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    sidecar = await startSidecar({ endpoints: [upstream.address], listener: { trustedPeers: ['127.0.0.1'] } });
  });
  after(async () => {
    await sidecar.stop();
    await upstream.stop();
    node.closeAllConnections();
    node.close();
  });

  async function record(request: IncomingMessage, answer: () => void): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return; // Cut short.
    }
    const { rawHeaders } = request;
    const headers = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]!] as const] : []));
    reads.push({
      method: request.method!,
      target: request.url!,
      headers,
      trailers: request.rawTrailers,
      body: Buffer.concat(pieces).toString('latin1'),
    });
    answer();
  }

  /** What Node reads of `text`: whole requests, in order. */
  async function byNode(text: string): Promise<Read[]> {
    reads = [];
    const client = await RawClient.connect((node.address() as AddressInfo).port);
    client.socket.end(text, 'latin1');
    await client.untilClosed();
    return reads;
  }

  /** What has gone up, as bytes, and the status that came down. */
  async function throughUs(text: string, cuts: readonly number[]): Promise<{ up: string; status: number }> {
    const before = upstream.received.length;
    const client = await RawClient.connect(sidecar.port);
    client.socket.setNoDelay(true);
    let from = 0;
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      const at = Math.floor((cut / 1_000) * text.length);
      if (at <= from) continue;
      client.send(text.slice(from, at));
      from = at;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    client.socket.end(text.slice(from), 'latin1');
    await client.untilClosed();
    await eventually(() => sidecar.runtime.sessions.size === 0);
    return { up: upstream.received.slice(before), status: statusOf(client.received) };
  }

  const passing = ({ headers }: Read, drop: ReadonlySet<string>) =>
    headers.filter(([name]) => {
      const lower = name.toLowerCase();
      return !drop.has(lower) && !/^(x-forwarded-|connection$)/.test(lower);
    });

  it(`is the same, or refused by both (seed ${SEED}, ${RUNS} runs)`, async function () {
    this.timeout(10 * 60_000);
    let both = 0;
    let neither = 0;
    const property = fc.asyncProperty(
      draftOf(),
      fc.array(fc.integer({ min: 0, max: 999 }), { maxLength: 3 }),
      async (draft, cuts) => {
        const text = textOf(draft);
        const [theirs] = await byNode(text);
        const { up, status } = await throughUs(text, cuts);
        if (up === '') {
          neither++;
          // What is cut short by the client's FIN is not answered.
          if (theirs !== undefined) expect(status, 'refused, and not answered').to.be.within(400, 599);
          return;
        }
        if (theirs === undefined) {
          if (wanted(draft)) return;
          // A body is passed on as it comes: what was right of it may be up. Never a whole request.
          const whole = (await byNode(up)).length;
          expect(whole, `Node refuses it; up went ${JSON.stringify(up)}`).to.equal(0);
          return;
        }
        if (status >= 400) return;
        both++;
        const [ours, ...more] = await byNode(up);
        expect(ours, `what goes up is refused by Node: ${JSON.stringify(up)}`).to.not.equal(undefined);
        expect(more, 'one request has become two').to.have.length(0);
        const named = theirs.headers
          .filter(([name]) => name.toLowerCase() === 'connection')
          .flatMap(([, value]) =>
            value
              .toLowerCase()
              .split(',')
              .map((token) => token.trim()),
          );
        const drop = new Set([...HOP, ...named.filter((name) => name.startsWith('x-'))]);
        expect(ours!.method).to.equal(theirs.method);
        expect(ours!.target).to.equal(originForm(theirs));
        // Node takes what follows an upgrade that nobody serves for something else than a body. We serve the request without the
        // upgrade (RFC 9110 §7.8), so that its body is one: a wanted difference.
        if (!named.includes('upgrade')) {
          expect(ours!.body).to.equal(theirs.body);
          expect(ours!.trailers).to.deep.equal(theirs.trailers);
        }
        expect(passing(ours!, drop)).to.deep.equal(passing(theirs, drop));
        // An Expect of HTTP/1.0 is ignored (RFC 9110 §10.1.1).
        for (const name of draft.version === 'HTTP/1.0'
          ? ['host', 'content-length']
          : ['host', 'content-length', 'expect']) {
          const values = (read: Read) => read.headers.filter(([other]) => other.toLowerCase() === name);
          if (theirs.headers.some(([other]) => other.toLowerCase() === name))
            expect(values(ours!), name).to.deep.equal(values(theirs));
        }
      },
    );
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    // A generator that makes only nonsense, or nothing but sense, would find nothing.
    expect(both, 'requests that both accept').to.be.above(RUNS / 10);
    expect(neither, 'requests that are refused').to.be.above(RUNS / 10);
  });
});
