import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { endPrograms, type Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { echoMessages, httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const WEBSOCKETS = 1_000;
const HTTP_CLIENTS = 16;
const RELOADS = 200;

/** One configuration; `other` is on a route that no client uses, `spelling` chooses among ways to say the same. */
function text({ app, web, other = 0, spelling = 0 }: { app: string; web: string; other?: number; spelling?: number }) {
  const clusters = [
    `  app: { endpoints: ["${app}"] }`,
    spelling % 2 === 0
      ? `  web: { endpoints: ["${web}"] }`
      : `  web:\n    endpoints:\n      - { weight: 1, address: "${web}" }`,
    `  other: { endpoints: ["127.0.0.1:${1 + other}"] }`,
  ];
  const listener = [
    spelling % 3 === 0 ? '    timeouts: { idle: 2m }' : '    timeouts: { head: 10s, idle: 120s }',
    `    routes:\n      - { match: { path: /ws }, cluster: app }\n      - { match: { path: /other/${other} }, cluster: other }\n      - { cluster: web }`,
    '    protocol: http',
    '    bind: "127.0.0.1:0"',
  ];
  const turned = <T>(list: T[]) => (spelling % 5 < 2 ? list : list.toReversed());
  return `# spelling ${spelling}\nclusters:\n${turned(clusters).join('\n')}\nlisteners:\n  inbound:\n${turned(listener).join('\n')}\n`;
}

/** A client that sends one request after the other on one connection. */
class KeepAliveClient {
  readonly failures: string[] = [];
  requests = 0;
  connections = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #stopped = false;
  readonly done: Promise<void>;

  constructor(port: number) {
    this.done = this.#run(port);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.done.finally(() => this.#agent.destroy());
  }

  async #run(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        const request = get({ port, host: '127.0.0.1', path: '/x', agent: this.#agent });
        request.once('socket', () => {
          if (!request.reusedSocket) this.connections++;
        });
        const [response] = await once(request, 'response');
        let body = '';
        for await (const piece of response) body += piece;
        if (response.statusCode !== 200 || body !== 'web') this.failures.push(`${response.statusCode} ${body}`);
        this.requests++;
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }
}

/** A WebSocket whose echoes are checked: each number comes back once, in order. */
class NumberedClient {
  readonly socket: WebSocket;
  readonly closes: number[] = [];
  readonly wrong: string[] = [];
  sent = 0;
  echoed = 0;
  #answered: (() => void) | undefined;

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false });
    this.socket.on('error', (error) => this.wrong.push(String(error)));
    this.socket.on('close', (code) => this.closes.push(code));
    this.socket.on('message', (data) => {
      if (String(data) !== String(++this.echoed)) this.wrong.push(`${data} instead of ${this.echoed}`);
      this.#answered?.();
    });
  }

  /** Sends the next number; resolves when its echo is here. */
  say(): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.socket.send(String(++this.sent));
    });
  }
}

describe('a reload', () => {
  const scratch = new Scratch();
  const upstreams: Upstream[] = [];
  let app: Upstream;
  let web: Upstream;

  before(async () => {
    app = await webSocketUpstream(echoMessages);
    web = await httpUpstream((_request, response) => response.end('web'));
    upstreams.push(app, web);
  });
  afterEach(endPrograms);
  after(async () => {
    scratch.remove();
    for (const upstream of upstreams) await upstream.stop();
  });

  const addresses = () => ({ app: app.address, web: web.address });
  /** Sends SIGHUP and resolves to the line that tells what came of it. */
  async function hangUp(program: Program) {
    const before = program.log.filter(({ msg }) => msg.includes('reload')).length;
    program.kill('SIGHUP');
    return program.until(({ log }) => log.filter(({ msg }) => msg.includes('reload'))[before]);
  }
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
  async function admin(program: Program, path: string): Promise<any> {
    const { admin: address } = (await program.logged('ready')) as unknown as { admin: string };
    const response = await fetch(`http://${address}${path}`);
    return path === '/metrics' ? response.text() : response.json();
  }

  it(`closes no WebSocket, fails no request and loses no message: ${RELOADS} of them, ${WEBSOCKETS} WebSockets, ${HTTP_CLIENTS} HTTP clients`, async function () {
    this.timeout(120_000);
    const file = scratch.write('load.yaml', text(addresses()));
    const program = sidecarOn(file);
    const port = await program.port();
    const clients = Array.from({ length: WEBSOCKETS }, () => new NumberedClient(port));
    await Promise.all(clients.map(({ socket }) => once(socket, 'open')));
    const http = Array.from({ length: HTTP_CLIENTS }, () => new KeepAliveClient(port));
    const results: Record<string, number> = {};
    let other = 0;
    for (let i = 0; i < RELOADS; i++) {
      const echoes = clients.map((client) => client.say());
      if (i % 4 === 1) scratch.write('load.yaml', text({ ...addresses(), other: ++other, spelling: i }));
      else if (i % 4 === 3)
        scratch.write('load.yaml', `${text({ ...addresses(), other, spelling: i })}nonsense: true\n`);
      else scratch.write('load.yaml', text({ ...addresses(), other, spelling: i }));
      const { msg, generation } = await hangUp(program);
      results[msg] = (results[msg] ?? 0) + 1;
      expect(generation).to.equal(1 + other);
      await Promise.all(echoes);
    }
    await Promise.all(http.map((client) => client.stop()));
    expect(results).to.deep.equal({
      reloaded: RELOADS / 4,
      'reloaded: the configuration says the same, nothing changes': RELOADS / 2,
      'the reload failed; the configuration in force stays': RELOADS / 4,
    });
    expect(clients.flatMap(({ wrong, closes }) => [...wrong, ...closes])).to.deep.equal([]);
    expect(clients.every(({ echoed }) => echoed === RELOADS)).to.equal(true);
    expect(http.flatMap(({ failures }) => failures)).to.deep.equal([]);
    expect(http.every(({ requests, connections }) => requests > RELOADS / 10 && connections === 1)).to.equal(true);
    const { sessions } = await admin(program, '/sessions?kind=websocket&limit=5000');
    expect(sessions).to.have.length(WEBSOCKETS);
    expect(new Set(sessions.map(({ generation }: { generation: number }) => generation))).to.deep.equal(new Set([1]));
    for (const { socket } of clients) socket.terminate();
  });

  it('that fails leaves everything as it was, and says so in the log, on the admin address and in metrics', async () => {
    const file = scratch.write('bad.yaml', text(addresses()));
    const program = sidecarOn(file);
    const port = await program.port();
    scratch.write('bad.yaml', `${text(addresses())}listners: {}\n`);
    const { level, problems } = (await hangUp(program)) as unknown as { level: string; problems: string[] };
    expect(level).to.equal('error');
    expect(problems).to.deep.equal([`${file}:15:1 listners: is not known here, did you mean "listeners"?`]);
    const { generation, reloads, status } = await admin(program, '/healthz');
    expect({ generation, status, failed: reloads.failed }).to.deep.equal({ generation: 1, status: 'ready', failed: 1 });
    expect(reloads.last).to.deep.include({ result: 'failed', problems });
    const metrics: string = await admin(program, '/metrics');
    expect(metrics)
      .to.include('outrigger_last_reload_successful 0\n')
      .and.to.include('outrigger_reloads{result="failed"} 1\n');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).to.equal('web');
    scratch.write('bad.yaml', text({ ...addresses(), other: 1 }));
    expect(await hangUp(program)).to.deep.include({
      msg: 'reloaded',
      generation: 2,
      changes: ['listeners.inbound.routes[1].match.path', 'clusters.other.endpoints[0].address'],
    });
    expect(await admin(program, '/metrics')).to.include('outrigger_last_reload_successful 1\n');
  });

  it('of a large file, which a thread reads, takes what is right, and refuses what is wrong', async () => {
    scratch.write(
      'stamp.ts',
      `import { ConnectionHooks, definePlugin, type Session } from '@outrigger/core';
export default definePlugin<{ value: string }>({
  name: 'stamp',
  config: { value: { doc: 'What answers carry.', format: String } },
  bind(bind, { value }) {
    bind(ConnectionHooks).toConstantValue({ onResponse: (s: Session) => void s.response!.headers.set('x-stamp', value) });
  },
});
`,
    );
    const large = (value: string, path: string, more = '') => `listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
${Array.from({ length: 1_000 }, (_, i) => `      - { match: { path: /${path}/${i} }, cluster: web }\n`).join('')}clusters:
  web: { endpoints: ["${web.address}"] }
plugins:
  - ./stamp.ts: { value: ${value} }
${more}`;
    const program = sidecarOn(scratch.write('large.yaml', large('one', 'before')));
    const port = await program.port();
    const answer = async (path: string) => {
      const { status, headers } = await fetch(`http://127.0.0.1:${port}/${path}/999`);
      return `${status} ${headers.get('x-stamp')}`;
    };
    expect([await answer('before'), await answer('after')]).to.deep.equal(['200 one', '404 one']);
    const file = scratch.write('large.yaml', large('two', 'after', 'listners: {}\n'));
    expect((await hangUp(program)) as unknown).to.deep.include({
      level: 'error',
      problems: [`${file}:1010:1 listners: is not known here, did you mean "listeners"?`],
    });
    expect(await answer('before')).to.equal('200 one');
    scratch.write('large.yaml', large('two', 'after'));
    expect(await hangUp(program)).to.deep.include({ msg: 'reloaded', generation: 2, more: 981 });
    expect([await answer('before'), await answer('after')]).to.deep.equal(['404 two', '200 two']);
    expect(await hangUp(program)).to.deep.include({ generation: 2 });
  });

  it('that changes a route closes its WebSockets with 1012 where it says onChange: drain, and no other', async () => {
    const routes = (keep: string, drain: string) => `listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
      - { match: { path: /keep }, cluster: ${keep} }
      - { match: { path: /drain }, cluster: ${drain}, onChange: drain }
      - { match: { path: /stays }, cluster: one, onChange: drain }
clusters:
  one: { endpoints: ["${app.address}"] }
  two: { endpoints: ["${app.address}"] }
`;
    const program = sidecarOn(scratch.write('route.yaml', routes('one', 'one')));
    const port = await program.port();
    const [keep, drain, stays] = await Promise.all(
      ['/keep', '/drain', '/stays'].map(async (path) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
        await once(socket, 'open');
        return socket;
      }),
    );
    // A change elsewhere: the routes are built anew, and say the same.
    scratch.write('route.yaml', routes('two', 'one'));
    expect(await hangUp(program)).to.include({ generation: 2 });
    const closed = once(drain!, 'close');
    scratch.write('route.yaml', routes('two', 'two'));
    expect(await hangUp(program)).to.include({ generation: 3 });
    expect((await closed)[0]).to.equal(1012);
    for (const socket of [keep!, stays!]) {
      socket.send('still here');
      expect(String((await once(socket, 'message'))[0])).to.equal('still here');
      socket.terminate();
    }
  });

  it('that moves a listener opens the new address, and drains the old one', async () => {
    const moved = (name: string) => `drain: { timeout: 5s }
listeners:
  ${name}: { protocol: http, bind: "127.0.0.1:0", cluster: app }
clusters:
  app: { endpoints: ["${app.address}"] }
`;
    const program = sidecarOn(scratch.write('move.yaml', moved('before')));
    const socket = new WebSocket(`ws://127.0.0.1:${await program.port('before')}/`);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    scratch.write('move.yaml', moved('after'));
    expect(await hangUp(program)).to.include({ generation: 2 });
    expect((await closed)[0]).to.equal(1001);
    const { listeners } = await admin(program, '/listeners');
    expect(listeners[0]).to.deep.include({ name: 'after', state: 'accepting' });
    const next = new WebSocket(`ws://${listeners[0].address}/`);
    await once(next, 'open');
    next.terminate();
  });

  it('takes the new settings and the new code of a plugin, and carries the others over', async () => {
    const plugin = (version: string) => `import { ConnectionHooks } from '@outrigger/core';
let made = 0;
export default {
  name: 'stamp',
  config: { word: { doc: 'Word.', format: String, default: 'none' } },
  bind(bind, { word }) {
    const mine = ++made;
    bind(ConnectionHooks).toConstantValue({ onResponse: (s) => { s.response.headers.set('x-stamp', '${version} ' + word + ' ' + mine); } });
  },
};
`;
    const config = (word: string, other: number) =>
      `${text({ ...addresses(), other })}plugins:\n  - ./stamp.ts: { word: ${word} }\n`;
    scratch.write('stamp.ts', plugin('v1'));
    const program = sidecarOn(scratch.write('plugin.yaml', config('one', 0)));
    const port = await program.port();
    const stamp = async () => (await fetch(`http://127.0.0.1:${port}/`)).headers.get('x-stamp');
    const first = Number((await stamp())!.split(' ')[2]);
    const { connections } = web;
    expect(await stamp()).to.equal(`v1 one ${first}`);
    scratch.write('plugin.yaml', config('one', 1));
    expect(await hangUp(program)).to.include({ generation: 2 });
    expect(await stamp()).to.equal(`v1 one ${first}`);
    scratch.write('plugin.yaml', config('two', 1));
    await hangUp(program);
    expect(await stamp()).to.match(/^v1 two /);
    scratch.write('stamp.ts', plugin('v2'));
    await hangUp(program);
    expect(await stamp()).to.match(/^v2 two /);
    // The pool of the http plugin was carried over with it.
    expect(web.connections).to.equal(connections);
  });
});
