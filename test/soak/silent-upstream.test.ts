import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Scratch } from '../support/scratch.ts';
import { startSidecarOn, startUpstream } from './support/soak-processes.ts';

/** Interval and timeout as they are built in. */
const FOUND_WITHIN_MS = 25_000 + 10_000;

describe('an endpoint that goes silent without closing', () => {
  const scratch = new Scratch();
  after(() => scratch.remove());

  it(`is found within ${FOUND_WITHIN_MS / 1_000} s, and its clients get 1011`, async function () {
    this.timeout(60_000);
    const upstream = await startUpstream();
    const file = scratch.write(
      'outrigger.yaml',
      `admin: false\nlisteners:\n  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }\nclusters:\n  app: { endpoints: ["127.0.0.1:${upstream.ready.port}"] }\n`,
    );
    const sidecar = await startSidecarOn(file);
    const sockets = Array.from({ length: 20 }, () => new WebSocket(`ws://127.0.0.1:${sidecar.ready.port}/`));
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const closes = sockets.map((socket) => once(socket, 'close'));
    const began = Date.now();
    upstream.freeze();
    const codes = await Promise.all(closes.map(async (closed) => (await closed)[0] as number));
    const took = Date.now() - began;
    console.log(`      found after ${(took / 1_000).toFixed(1)} s`);
    expect(codes).to.deep.equal(new Array(20).fill(1011));
    expect(took).to.be.below(FOUND_WITHIN_MS + 500);
    await Promise.all([sidecar.stop(), upstream.stop()]);
  });
});
