import { once } from 'node:events';
import { WheelClock } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { IdleCutter } from '../support/idle-cutter.ts';
import { Scratch } from '../support/scratch.ts';
import { startSidecarOn, startUpstream } from './support/soak-processes.ts';

const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 10);
/** As nginx and AWS's load balancers have it. */
const IDLE_MS = 60_000;

describe(`a load balancer that cuts idle connections after ${IDLE_MS / 1_000} s, for ${MINUTES} minutes`, function () {
  this.timeout((MINUTES + 2) * 60_000);
  const scratch = new Scratch();
  after(() => scratch.remove());

  it('cuts a silent WebSocket without us, and none with us between two of them', async () => {
    const clock = new WheelClock((error) => {
      throw error;
    });
    const upstream = await startUpstream();
    const behind = await IdleCutter.start(() => upstream.ready.port, IDLE_MS, clock);
    const file = scratch.write(
      'outrigger.yaml',
      `admin: false\nlisteners:\n  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }\nclusters:\n  app: { endpoints: ["${behind.address}"] }\n`,
    );
    const sidecar = await startSidecarOn(file);
    const inFront = await IdleCutter.start(() => sidecar.ready.port, IDLE_MS, clock);
    const without = await IdleCutter.start(() => upstream.ready.port, IDLE_MS, clock);

    const open = async (port: number) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      socket.on('error', () => {});
      await once(socket, 'open');
      return socket;
    };
    const kept = await open(inFront.port);
    let pings = 0;
    kept.on('ping', () => pings++);
    const lost = await open(without.port);
    const began = Date.now();
    const [code] = await once(lost, 'close');
    console.log(`      without: closed with ${code} after ${Math.round((Date.now() - began) / 1_000)} s`);
    await new Promise((resolve) => setTimeout(resolve, MINUTES * 60_000 - (Date.now() - began)));
    console.log(`      with: open after ${Math.round((Date.now() - began) / 60_000)} minutes, ${pings} pings came`);
    expect([code, without.cuts]).to.deep.equal([1006, 1]);
    expect([kept.readyState, inFront.cuts, behind.cuts]).to.deep.equal([WebSocket.OPEN, 0, 0]);
    kept.terminate();
    await Promise.all([inFront, behind, without, sidecar, upstream].map((one) => one.stop()));
  });
});
