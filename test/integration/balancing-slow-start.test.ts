import { VirtualClock } from '@outrigger/core';
import health from '@outrigger/health';
import { expect } from 'chai';
import { startSidecar, type TestSidecar } from '../support/sidecar.ts';
import { httpUpstream, type Upstream } from '../support/upstreams.ts';

const WINDOW_MS = 60_000;
const SLOW_START = { slowStart: { window: WINDOW_MS, aggression: 1, minWeight: 0.1 } };
const ROUND = 210;

describe('slow start between real sockets', () => {
  const clock = new VirtualClock();
  let upstreams: Upstream[] = [];
  let sidecar: TestSidecar;
  afterEach(async () => {
    await sidecar.stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
  });

  const options = (endpoints: readonly Upstream[]) => ({
    endpoints: endpoints.map(({ address }) => address),
    plugins: [health],
    clock,
    cluster: SLOW_START,
  });
  /** How many of a number of requests `name` answers. */
  const share = async (name: string) => {
    let count = 0;
    for (let i = 0; i < ROUND; i++) if ((await (await fetch(sidecar.url)).text()) === name) count++;
    return count;
  };

  it('gives who joins a part of its weight that grows over the window; who was there at the start has the whole', async () => {
    upstreams = await Promise.all(
      ['one', 'two', 'three'].map((name) => httpUpstream((_, response) => void response.end(name))),
    );
    sidecar = await startSidecar(options(upstreams.slice(0, 2)));
    expect(await share('two')).to.equal(ROUND / 2);
    await sidecar.reload(options(upstreams));
    // Of weights 1, 1 and 0.1.
    expect(await share('three')).to.be.closeTo((ROUND * 0.1) / 2.1, 1);
    clock.advance(WINDOW_MS / 2);
    expect(await share('three')).to.be.closeTo((ROUND * 0.5) / 2.5, 3);
    clock.advance(WINDOW_MS / 2 + 5_000);
    expect(await share('three')).to.equal(ROUND / 3);
  });
});
