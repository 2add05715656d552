import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as later } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { LoopDelay } from '../src/loop-delay.ts';

describe('the delay of the event loop', () => {
  it('is as long as what held the loop up, until it is reset', async () => {
    const delay = new LoopDelay();
    expect(delay.seconds(100)).to.equal(0);
    delay.start();
    const until = performance.now() + 300;
    while (performance.now() < until);
    // Due behind the first look.
    await later(25);
    delay.stop();
    expect(delay.seconds(100)).to.be.within(0.27, 5);
    expect(delay.seconds(50)).to.be.at.most(delay.seconds(100));
    delay.reset();
    expect(delay.seconds(100)).to.equal(0);
  });

  it('is looked for every 20 ms where the loop is busy, and every 200 ms where it rests', async () => {
    // A loop of its own: this one is Mocha's, too.
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const rounds = () => performance.nodeTiming.uvMetricsInfo.loopCount;
       import(workerData).then(({ LoopDelay }) => {
         const delay = new LoopDelay();
         delay.start();
         setTimeout(() => {
           const before = rounds();
           setTimeout(() => {
             const resting = rounds() - before;
             const busy = setInterval(() => {
               for (const until = performance.now() + 50; performance.now() < until; );
             }, 100);
             setTimeout(() => {
               clearInterval(busy);
               delay.stop();
               parentPort.postMessage({ resting, busy: rounds() - before - resting });
             }, 1_000);
           }, 1_000);
         }, 300);
       });`,
      { eval: true, workerData: new URL('../src/loop-delay.ts', import.meta.url).href },
    );
    const [{ resting, busy }] = (await once(worker, 'message')) as [{ resting: number; busy: number }];
    // 50 looks in a second, or 5; the busy work itself goes round 10 times.
    expect(resting).to.be.within(1, 25);
    expect(busy).to.be.above(17);
  });
});
