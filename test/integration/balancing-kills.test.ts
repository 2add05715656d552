import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { type Program, sidecarOn } from '../support/program.ts';
import { scratchForPrograms } from '../support/scratch.ts';
import { startThree } from '../support/upstream-process.ts';

const KILLS = 20;
const GETTERS = 8;
const POSTERS = 4;
const SOCKETS = 9;

/** How an exchange went, in milliseconds of one clock. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly begun: number;
  readonly over: number;
}

/** Clients that ask again and again, each over a connection that it keeps. */
class Clients {
  readonly answers: Answer[] = [];
  readonly #agent: Agent;
  readonly #asking: Promise<void>[];
  #running = true;
  #woken: (() => void)[] = [];

  constructor(port: number, method: string, count: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: count });
    this.#asking = Array.from({ length: count }, async () => {
      while (this.#running) await this.#ask(port, method);
    });
  }

  /** Resolves after so many further answers. */
  async more(count: number): Promise<void> {
    const from = this.answers.length;
    while (this.answers.length < from + count) await new Promise<void>((resolve) => this.#woken.push(resolve));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#asking);
    this.#agent.destroy();
  }

  async #ask(port: number, method: string): Promise<void> {
    const begun = performance.now();
    const call = request({ port, host: '127.0.0.1', method, agent: this.#agent });
    call.end(method === 'POST' ? 'order' : undefined);
    const [response] = await once(call, 'response');
    let body = '';
    for await (const piece of response) body += piece;
    this.answers.push({ status: response.statusCode, body, begun, over: performance.now() });
    for (const resolve of this.#woken.splice(0)) resolve();
  }
}

/** A WebSocket that knows which endpoint it is at, and says when and how it was closed. */
class OpenSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  at = '';

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    this.closed = once(this.socket, 'close').then(([code]) => code as number);
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open');
    this.at = await this.say('who?');
    return this;
  }

  async say(text: string): Promise<string> {
    this.socket.send(text);
    return String((await once(this.socket, 'message'))[0]);
  }
}

describe('endpoints that are killed under load', () => {
  const scratch = scratchForPrograms();

  const start = async (endpoints: readonly string[]): Promise<[Program, number]> => {
    const file = scratch.write(
      'kills.yaml',
      `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters:
  app:
    endpoints: ${JSON.stringify(endpoints)}
    balancer: least-request
    health: { tcp: {}, interval: 200ms, timeout: 200ms, rise: 1, fall: 2 }
    outlier: { ejection: 300ms, maxEjection: 300ms }
`,
    );
    const sidecar = sidecarOn(file);
    return [sidecar, await sidecar.port()];
  };

  it(`${KILLS} times lose no repeatable request; others fail only in flight there; they are ejected within 1 s`, async function () {
    this.timeout(60_000);
    const upstreams = await startThree();
    const [sidecar, port] = await start(upstreams.map(({ address }) => address));
    const lines = (msg: string) => sidecar.log.filter((line) => line.msg === msg).length;
    const getters = new Clients(port, 'GET', GETTERS);
    const posters = new Clients(port, 'POST', POSTERS);
    const opened = (count: number) => Promise.all(Array.from({ length: count }, () => new OpenSocket(port).opened()));
    let sockets = await opened(SOCKETS);
    const kills: { readonly from: number; readonly to: number }[] = [];

    for (let kill = 0; kill < KILLS; kill++) {
      const upstream = upstreams[kill % 3]!;
      upstream.prepare();
      await Promise.all([getters.more(100), posters.more(20)]);
      const out = lines('an endpoint is out');
      const isIn = lines('an endpoint is in again');
      const from = performance.now();
      await upstream.kill();
      await sidecar.until(() => lines('an endpoint is out') > out);
      const to = performance.now();
      kills.push({ from, to });
      expect(to - from, 'milliseconds until it was out').to.be.below(1_000);

      // Whose endpoint is gone has ended, with 1006; no other has noticed.
      const gone = sockets.filter(({ at }) => at === upstream.name);
      expect(new Set(await Promise.all(gone.map(({ closed }) => closed)))).to.deep.equal(
        new Set(gone.length > 0 ? [1006] : []),
      );
      sockets = sockets.filter(({ at }) => at !== upstream.name);
      for (const socket of sockets) expect(await socket.say('still here?')).to.equal('still here?');

      // What was under way is over soon: then nobody is sent there any more.
      await getters.more(2 * GETTERS);
      const answered = getters.answers.length;
      await getters.more(50);
      expect(getters.answers.slice(answered).map(({ body }) => body)).to.not.include(upstream.name);
      await upstream.start();
      await sidecar.until(() => lines('an endpoint is in again') > isIn);
      while (!getters.answers.slice(-50).some(({ body }) => body === upstream.name)) await getters.more(10);
      sockets.push(...(await opened(SOCKETS - sockets.length)));
    }
    await Promise.all([getters.stop(), posters.stop()]);
    for (const { socket } of sockets) socket.terminate();

    expect(new Set(getters.answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
    expect(posters.answers.length).to.be.above(KILLS * 20);
    const failed = posters.answers.filter(({ status }) => status !== 200);
    for (const { status, body, begun, over } of failed) {
      expect(status, body).to.equal(502);
      // Sent before the sidecar knew, and not over when the endpoint went.
      const during = kills.some(({ from, to }) => begun <= to && over >= from);
      expect(during, `a POST that took from ${begun} to ${over} failed: ${body}`).to.equal(true);
    }
    expect(failed.length, 'in flight at once').to.be.at.most(KILLS * POSTERS);
  });
});
