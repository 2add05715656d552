import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startSidecar } from '../support/sidecar.ts';
import { webSocketUpstream } from '../support/upstreams.ts';
import { eventually, passUntil } from '../support/virtual-time.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const WEBSOCKETS = 200;
const MINUTE = 60_000;
/** The long form (`npm run soak`) allows 1 MiB a minute for all of them; a byte per ping that stays would be 1 KiB here. */
const SLACK_BYTES_A_MINUTE = 32 * 1024;

describe('the heap of idle WebSockets', () => {
  it(`is as large after 10 minutes of pings as after 5, ${WEBSOCKETS} of them`, async function () {
    this.timeout(60_000);
    const clock = new VirtualClock();
    const upstream = await webSocketUpstream(() => {});
    const sidecar = await startSidecar({ endpoints: [upstream.address], clock, keepalive: {} });
    let pings = 0;
    const sockets = await Promise.all(
      Array.from({ length: WEBSOCKETS }, async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${sidecar.port}/`, { perMessageDeflate: false });
        socket.on('ping', () => pings++);
        await once(socket, 'open');
        return socket;
      }),
    );
    const after = async (minutes: number) => {
      await passUntil(clock, () => clock.now() >= minutes * MINUTE, undefined, Number.POSITIVE_INFINITY);
      gc();
      return process.memoryUsage().heapUsed;
    };
    const middle = await after(5);
    const end = await after(10);
    expect(sidecar.runtime.sessions.size).to.equal(WEBSOCKETS);
    expect(pings).to.be.above(WEBSOCKETS * 20);
    expect((end - middle) / 5).to.be.below(SLACK_BYTES_A_MINUTE);
    for (const socket of sockets) socket.terminate();
    await eventually(() => sidecar.runtime.sessions.size === 0);
    await sidecar.stop();
    await upstream.stop();
  });
});
