import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect } from 'chai';
import { SidecarProcess } from '../support/sidecar-process.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';

const MIB = 1 << 20;
const NOISE = randomBytes(8 * MIB);

/** Pieces of noise of changing sizes and places, `total` bytes in all. */
function* pieces(total: number): Generator<Buffer> {
  for (let left = total, i = 0; left > 0; i++) {
    const size = Math.min(left, 1 + ((i * 104_729) % (512 * 1024)));
    const at = (i * 7_919 * 31) % (NOISE.length - size);
    yield NOISE.subarray(at, at + size);
    left -= size;
  }
}

describe('a gibibyte each way', () => {
  let upstream: Upstream;
  let sidecar: SidecarProcess;
  const atUpstream: string[] = [];

  before(async () => {
    upstream = await httpUpstream((incoming, response) => {
      const hash = createHash('sha1');
      const length = incoming.headers['x-length'];
      if (length !== undefined) response.setHeader('content-length', length);
      incoming.on('data', (piece: Buffer) => {
        hash.update(piece);
        if (!response.write(piece)) incoming.pause();
      });
      response.on('drain', () => incoming.resume());
      incoming.on('end', () => {
        atUpstream.push(hash.digest('hex'));
        response.end();
      });
    });
    sidecar = await SidecarProcess.start([upstream.address]);
  });
  after(async () => {
    await sidecar.stop();
    await upstream.stop();
  });

  /** Sends and gets back `total` bytes at once; the hashes of both. */
  async function echo(total: number, headers: Record<string, string>): Promise<readonly [string, string]> {
    const sent = createHash('sha1');
    const got = createHash('sha1');
    const outgoing = request({ port: sidecar.port, host: '127.0.0.1', method: 'POST', headers });
    const answered = once(outgoing, 'response').then(async ([response]) => {
      for await (const piece of response as AsyncIterable<Buffer>) got.update(piece);
    });
    for (const piece of pieces(total)) {
      sent.update(piece);
      if (!outgoing.write(piece)) await once(outgoing, 'drain');
    }
    outgoing.end();
    await answered;
    return [sent.digest('hex'), got.digest('hex')];
  }

  it('passes unchanged, with a length and in chunks, and the process grows by less than 32 MiB', async function () {
    this.timeout(60_000);
    await echo(128 * MIB, {});
    await echo(128 * MIB, { 'content-length': `${128 * MIB}` });
    const { peak: before } = await sidecar.measure(true);
    atUpstream.length = 0;
    const half = 512 * MIB;
    for (const headers of [{ 'content-length': `${half}` }, { 'x-length': `${half}` }]) {
      const [sent, got] = await echo(half, headers);
      expect(atUpstream.pop(), 'what the endpoint got').to.equal(sent);
      expect(got, 'what came back').to.equal(sent);
    }
    const { peak, sessions } = await sidecar.measure();
    expect(sessions).to.equal(0);
    expect((peak - before) / MIB, 'MiB of growth').to.be.below(32);
  });
});
