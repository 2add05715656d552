import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { endPrograms, Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';

const CHILD = fileURLToPath(new URL('../support/upstream-child.ts', import.meta.url));
const CLIENTS = 12;
const KILLS = 6;

/** An endpoint in a process of its own, on the same port each time. */
class UpstreamProcess {
  readonly name: string;
  port = 0;
  #program!: Program;

  constructor(name: string) {
    this.name = name;
  }

  async start(): Promise<void> {
    this.#program = new Program(process.execPath, [CHILD, this.name, String(this.port)]);
    this.port = Number(await this.#program.until(({ stdout }) => /^(\d+)\n/.exec(stdout)?.[1]));
  }

  async kill(): Promise<void> {
    this.#program.kill('SIGKILL');
    await this.#program.exit;
  }
}

async function startThree(): Promise<UpstreamProcess[]> {
  const upstreams = ['one', 'two', 'three'].map((name) => new UpstreamProcess(name));
  await Promise.all(upstreams.map((upstream) => upstream.start()));
  return upstreams;
}

const listener = 'listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }\n';
const addresses = (upstreams: readonly UpstreamProcess[]) =>
  JSON.stringify(upstreams.map(({ port }) => `127.0.0.1:${port}`));

describe('balancing over processes', () => {
  const scratch = new Scratch();
  afterEach(endPrograms);
  after(() => scratch.remove());

  it(`loses no repeatable request while endpoints are killed and come back ${KILLS} times, and ejects them`, async function () {
    this.timeout(60_000);
    const upstreams = await startThree();
    const file = scratch.write(
      'kills.yaml',
      `${listener}clusters:
  app:
    endpoints: ${addresses(upstreams)}
    balancer: least-request
    health: { tcp: {}, interval: 200ms, timeout: 200ms, rise: 1, fall: 2 }
    outlier: { consecutive: 3, ejection: 1s }
`,
    );
    const sidecar = sidecarOn(file);
    const port = await sidecar.port();

    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const answers: string[] = [];
    const waiting: (() => void)[] = [];
    let running = true;
    const client = async () => {
      while (running) {
        const request = get({ port, host: '127.0.0.1', agent });
        const [response] = await once(request, 'response');
        let body = '';
        for await (const piece of response) body += piece;
        answers.push(response.statusCode === 200 ? body : `${response.statusCode} ${body}`);
        for (const resolve of waiting.splice(0)) resolve();
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);
    const lines = (msg: string) => sidecar.log.filter((line) => line.msg === msg).length;
    const more = async (count: number) => {
      const from = answers.length;
      while (answers.length < from + count) await new Promise<void>((resolve) => waiting.push(resolve));
    };

    for (let kill = 0; kill < KILLS; kill++) {
      const upstream = upstreams[kill % 3]!;
      await more(300);
      await upstream.kill();
      const at = Date.now();
      await sidecar.until(() => lines('an endpoint is out') > kill);
      expect(Date.now() - at, 'milliseconds until it was out').to.be.below(2_000);
      // What was under way is over soon: then nobody is sent there any more.
      await more(200);
      const from = answers.length;
      await more(200);
      expect(new Set(answers.slice(from))).to.not.include(upstream.name);
      await upstream.start();
      await sidecar.until(() => lines('an endpoint is in again') > kill);
      while (!answers.slice(-60).includes(upstream.name)) await more(20);
    }
    running = false;
    await Promise.all(clients);
    agent.destroy();
    expect(new Set(answers)).to.deep.equal(new Set(['one', 'two', 'three']));
  });

  it('least-connections picks the emptiest after a reload, with sockets open; who leaves the list keeps its sockets', async function () {
    this.timeout(30_000);
    const upstreams = await startThree();
    const text = (list: readonly UpstreamProcess[], more = '') =>
      `${listener}clusters:\n  app:\n    endpoints: ${addresses(list)}\n    balancer: least-connections\n${more}`;
    const file = scratch.write('least.yaml', text(upstreams.slice(0, 2)));
    const sidecar = sidecarOn(file);
    const port = await sidecar.port();
    const reloaded = async (content: string, count: number) => {
      scratch.write('least.yaml', content);
      sidecar.kill('SIGHUP');
      await sidecar.until(({ log }) => log.filter(({ msg }) => msg === 'reloaded').length >= count);
    };
    const open = async (count: number) => {
      const sockets = Array.from({ length: count }, () => new WebSocket(`ws://127.0.0.1:${port}/`));
      await Promise.all(sockets.map((socket) => once(socket, 'open')));
      return sockets;
    };
    const streams = async () => {
      const { admin } = (await sidecar.logged('ready')) as unknown as { admin: string };
      const { clusters } = (await (await fetch(`http://${admin}/clusters`)).json()) as {
        clusters: { endpoints: { address: string; streams: number }[] }[];
      };
      return clusters[0]!.endpoints.map((endpoint) => endpoint.streams);
    };

    const first = await open(20);
    expect(await streams()).to.deep.equal([10, 10]);
    await reloaded(text(upstreams, '    timeouts: { response: 1m }\n'), 1);
    const second = await open(10);
    expect(await streams()).to.deep.equal([10, 10, 10]);
    await reloaded(text(upstreams.slice(1)), 2);
    const third = await open(10);
    expect(await streams()).to.deep.equal([15, 15]);
    // Back again, and it has not forgotten its ten.
    await reloaded(text(upstreams), 3);
    expect(await streams()).to.deep.equal([10, 15, 15]);
    const fourth = await open(5);
    expect(await streams()).to.deep.equal([15, 15, 15]);
    for (const socket of [...first, ...second, ...third, ...fourth]) {
      socket.send('still here?');
      const [data] = await once(socket, 'message');
      expect(String(data)).to.equal('still here?');
      socket.terminate();
    }
  });
});
