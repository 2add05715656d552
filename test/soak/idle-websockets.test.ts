import { expect } from 'chai';
import { Scratch } from '../support/scratch.ts';
import { type Measured, startCrowd, startSidecarOn, startUpstream } from './support/soak-processes.ts';

const WEBSOCKETS = Number(process.env['SOAK_WEBSOCKETS'] ?? 10_000);
/** One sidecar holds two descriptors for each, and keeps an eighth of its limit in reserve: 8,750 fit into 20,000. */
const SIDECARS = Math.ceil(WEBSOCKETS / 8_700);
const EACH = Math.ceil(WEBSOCKETS / SIDECARS);
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 10);
const MEASURED_MINUTES = Math.max(1, Math.floor(MINUTES / 2));
const MIB = 1024 * 1024;

describe(`${SIDECARS * EACH} idle WebSockets on ${SIDECARS} sidecars for ${MINUTES} minutes`, function () {
  this.timeout((MINUTES + 5) * 60_000);
  const scratch = new Scratch();
  after(() => scratch.remove());

  it('cost the same heap at the end as in the middle: at most 1 MiB a minute more, and all of them live', async () => {
    const upstream = await startUpstream();
    const file = scratch.write(
      'outrigger.yaml',
      `admin: false\nlisteners:\n  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }\nclusters:\n  app: { endpoints: ["127.0.0.1:${upstream.ready.port}"] }\n`,
    );
    const sidecars = await Promise.all(Array.from({ length: SIDECARS }, () => startSidecarOn(file)));
    const ask = async () => added(await Promise.all(sidecars.map((sidecar) => sidecar.ask())));
    const empty = await ask();
    const crowds = await Promise.all(
      sidecars.map(({ ready: { port } }) => startCrowd(`ws://127.0.0.1:${port}/`, EACH)),
    );
    const measured: Measured[] = [];
    for (let minute = 0; minute <= MINUTES; minute++) {
      if (minute > 0) await new Promise((resolve) => setTimeout(resolve, 60_000));
      measured.push(await ask());
      const { heapUsed, rss, sessions, cpuMs } = measured.at(-1)!;
      console.log(
        `      minute ${minute}: heap ${(heapUsed / MIB).toFixed(2)} MiB, resident ${(rss / MIB).toFixed(0)} MiB, ${sessions} open, ${Math.round(cpuMs)} ms of CPU`,
      );
    }
    const seen = await Promise.all(crowds.map((crowd) => crowd.ask()));
    const pings = seen.reduce((sum, one) => sum + one.pings, 0);
    const perSocket = (measured.at(-1)!.heapUsed - empty.heapUsed) / (SIDECARS * EACH);
    const slope = slopeOf(measured.slice(-MEASURED_MINUTES - 1).map(({ heapUsed }) => heapUsed)) / MIB;
    console.log(
      `      ${Math.round(perSocket)} bytes of heap for each, slope ${slope.toFixed(3)} MiB a minute, ${pings} pings`,
    );
    await Promise.all([...crowds, ...sidecars, upstream].map((one) => one.stop()));
    expect(seen.map(({ codes }) => codes)).to.deep.equal(sidecars.map(() => ({})));
    expect(measured.at(-1)!.sessions).to.equal(SIDECARS * EACH);
    expect(pings).to.be.at.least(SIDECARS * EACH * 2 * (MINUTES - 1));
    expect(slope).to.be.at.most(1);
  });
});

/** What they use together. */
function added(all: readonly Measured[]): Measured {
  const sum = (of: (one: Measured) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    heapUsed: sum(({ heapUsed }) => heapUsed),
    rss: sum(({ rss }) => rss),
    sessions: sum(({ sessions }) => sessions),
    cpuMs: sum(({ cpuMs }) => cpuMs),
  };
}

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
