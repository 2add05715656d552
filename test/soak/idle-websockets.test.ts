import { expect } from 'chai';
import { Scratch } from '../support/scratch.ts';
import { type Measured, startCrowd, startSidecarOn, startUpstream } from './support/soak-processes.ts';

/** One sidecar holds two descriptors for each, and keeps an eighth of its limit in reserve: 8,750 fit into 20,000. */
const WEBSOCKETS = Number(process.env['SOAK_WEBSOCKETS'] ?? 8_700);
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 10);
const MEASURED_MINUTES = Math.max(1, Math.floor(MINUTES / 2));
const MIB = 1024 * 1024;

describe(`${WEBSOCKETS} idle WebSockets for ${MINUTES} minutes`, function () {
  this.timeout((MINUTES + 5) * 60_000);
  const scratch = new Scratch();
  after(() => scratch.remove());

  it('cost the same heap at the end as in the middle: at most 1 MiB a minute more, and all of them live', async () => {
    const upstream = await startUpstream();
    const file = scratch.write(
      'outrigger.yaml',
      `admin: false\nlisteners:\n  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }\nclusters:\n  app: { endpoints: ["127.0.0.1:${upstream.ready.port}"] }\n`,
    );
    const sidecar = await startSidecarOn(file);
    const empty = await sidecar.ask();
    const crowd = await startCrowd(`ws://127.0.0.1:${sidecar.ready.port}/`, WEBSOCKETS);
    const measured: Measured[] = [];
    for (let minute = 0; minute <= MINUTES; minute++) {
      if (minute > 0) await new Promise((resolve) => setTimeout(resolve, 60_000));
      measured.push(await sidecar.ask());
      const { heapUsed, rss, sessions, cpuMs } = measured.at(-1)!;
      console.log(
        `      minute ${minute}: heap ${(heapUsed / MIB).toFixed(2)} MiB, resident ${(rss / MIB).toFixed(0)} MiB, ${sessions} open, ${Math.round(cpuMs)} ms of CPU`,
      );
    }
    const { codes, pings } = await crowd.ask();
    const perSocket = (measured.at(-1)!.heapUsed - empty.heapUsed) / WEBSOCKETS;
    const slope = slopeOf(measured.slice(-MEASURED_MINUTES - 1).map(({ heapUsed }) => heapUsed)) / MIB;
    console.log(
      `      ${Math.round(perSocket)} bytes of heap for each, slope ${slope.toFixed(3)} MiB a minute, ${pings} pings`,
    );
    await Promise.all([crowd, sidecar, upstream].map((one) => one.stop()));
    expect(codes).to.deep.equal({});
    expect(measured.at(-1)!.sessions).to.equal(WEBSOCKETS);
    expect(pings).to.be.at.least(WEBSOCKETS * 2 * (MINUTES - 1));
    expect(slope).to.be.at.most(1);
  });
});

/** Least squares; the abscissa is the index. */
function slopeOf(values: readonly number[]): number {
  const mean = (values.length - 1) / 2;
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  let over = 0;
  let under = 0;
  for (const [i, value] of values.entries()) {
    over += (i - mean) * (value - average);
    under += (i - mean) ** 2;
  }
  return over / under;
}
