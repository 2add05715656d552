import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Logger, Runtime } from '@outrigger/core';
import { expect } from 'chai';
import { inspect } from '../../sidecar/src/inspect.ts';
import { exchange, statusOf } from '../support/raw-client.ts';
import { Scratch } from '../support/scratch.ts';
import { httpUpstream } from '../support/upstreams.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const RELOADS = 1_000;
/** What caches and shapes may still grow by; a generation that is kept is some 20 KiB, all of them 20 MiB. */
const SLACK_BYTES = 2 * 1024 * 1024;

describe('the heap', () => {
  const scratch = new Scratch();
  after(() => scratch.remove());

  it(`is flat after ${RELOADS} reloads of configuration, each of them another one and with a request between`, async function () {
    this.timeout(60_000);
    const upstream = await httpUpstream((_request, response) => response.end('web'));
    const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet, level: 'error' } as Logger;
    const file = (i: number) =>
      scratch.write(
        'heap.yaml',
        `admin: { bind: "127.0.0.1:0" }
listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
${Array.from({ length: 20 }, (_, route) => `      - { match: { path: /${route}/${i} }, cluster: c${i % 7} }`).join('\n')}
      - { cluster: web }
clusters:
  web: { endpoints: ["${upstream.address}"] }
  c${i % 7}: { endpoints: ["127.0.0.1:${1 + (i % 100)}"], balancer: round-robin }
plugins:
  - tracing: { sampling: ${(i % 10) / 10} }
`,
      );
    const first = await inspect({ file: file(0), set: [] }, {});
    const runtime = new Runtime({ configuration: first.configuration, plugins: first.plugins, logger: quiet });
    await runtime.start();
    const { port } = runtime.listeners.get('inbound')!.address;
    const reloadUpTo = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const { configuration, plugins } = await inspect({ file: file(i), set: [] }, {});
        expect(await runtime.reload(configuration, plugins)).to.equal('changed');
        const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        expect(statusOf(answer)).to.equal(200);
      }
      gc();
      return process.memoryUsage().heapUsed;
    };
    const before = await reloadUpTo(1, 200);
    const after = await reloadUpTo(200, 200 + RELOADS);
    expect(runtime.generation).to.equal(200 + RELOADS);
    expect(after - before).to.be.below(SLACK_BYTES);
    await runtime.stop();
    await upstream.stop();
  });
});
