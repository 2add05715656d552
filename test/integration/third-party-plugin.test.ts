import { once } from 'node:events';
import { HOOKS } from '@outrigger/core';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { endPrograms, type Program, runToEnd, sidecarOn } from '../support/program.ts';
import { exchange, statusOf } from '../support/raw-client.ts';
import { Scratch, shortest } from '../support/scratch.ts';
import { read } from '../support/tree.ts';
import {
  type Echo,
  echoMessages,
  echoUpstream,
  field,
  httpUpstream,
  type Upstream,
  webSocketUpstream,
} from '../support/upstreams.ts';

/** The hooks that it heard so far, in order. */
const heard = (program: Program) => program.log.filter(({ msg }) => msg === 'hook').map(({ hook }) => hook as string);
const untilHeard = (program: Program, hook: string) => program.until(() => heard(program).includes(hook));

describe('a plugin of a third party, outside the tree', () => {
  const scratch = new Scratch();
  const upstreams: Upstream[] = [];
  let file: string;
  before(async () => {
    const named = (zone: string) =>
      httpUpstream((request, response) => {
        let body = '';
        request.on('data', (piece) => {
          body += piece;
        });
        request.on('end', () =>
          response.end(`${zone} ${request.headers['x-greeting']} ${request.headers['x-try']} ${body}`),
        );
      });
    upstreams.push(await named('north'), await named('south'), await webSocketUpstream(echoMessages));
    const [north, south, chat] = upstreams.map(({ address }) => address);
    scratch.write('plugins/everything.ts', read('test/integration/plugins/everything.ts'));
    file = scratch.write(
      'config/outrigger.yaml',
      `listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
      - { match: { path: /ws }, cluster: chat, shout: true }
      - { match: { path: /loud }, cluster: found, shout: true }
      - { match: { path: /found }, cluster: found }
      - { cluster: listed }
  closed: { protocol: http, bind: "127.0.0.1:0", closed: true, cluster: listed }
clusters:
  listed:
    team: listeners
    balancer: { policy: by-zone, fallback: south }
    endpoints: [{ address: "${north}", zone: north }, { address: "${south}", zone: south }]
  found:
    balancer: by-zone
    discovery: { two-zones: { north: "${north}", south: "${south}" } }
  chat: { endpoints: ["${chat}"] }
plugins:
  - ../plugins/everything.ts: { greeting: ahoy }
`,
    );
  });
  afterEach(endPrograms);
  after(async () => {
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
    scratch.remove();
  });

  it('hears every hook of an exchange once, in the order of its life', async () => {
    const program = sidecarOn(file);
    const answer = await exchange(
      await program.port(),
      'GET /a HTTP/1.1\r\nHost: a\r\nX-Zone: north\r\nConnection: close\r\n\r\n',
    );
    expect(answer)
      .to.match(/\r\nx-greeting: ahoy\r\n/)
      .and.to.include('north ahoy 1 ');
    await untilHeard(program, 'onDisconnect');
    expect(heard(program)).to.deep.equal([
      'onAccept',
      'onConnection',
      'onRequest',
      'onRoute',
      'onAttempt',
      'onAttemptEnd',
      'onResponse',
      'onSessionEnd',
      'onDisconnect',
    ]);
    const line = (hook: string) => program.log.find((logged) => logged['hook'] === hook)!;
    expect(line('onRequest')).to.include({ path: '/a', known: true });
    expect(line('onRoute')).to.include({ route: 'inbound[3]', team: 'listeners' });
    expect(line('onAttempt')).to.include({ zone: 'north' });
    expect(line('onAttemptEnd')).to.include({ status: 200 });
    expect(line('onResponse')).to.include({ status: 200, local: false });
    expect(line('onSessionEnd')).to.include({ cause: 'complete', status: 200, timed: true });
  });

  it('hears every hook there is, once a WebSocket has come and gone; for events it has one of its own', async () => {
    const all = HOOKS.filter((hook) => hook !== 'onEventStream');
    const program = sidecarOn(file);
    const socket = new WebSocket(`ws://127.0.0.1:${await program.port()}/ws`);
    await once(socket, 'open');
    socket.send('drop me');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).to.equal('HELLO');
    await untilHeard(program, 'onPong');
    socket.close(1000);
    await untilHeard(program, 'onDisconnect');
    expect(new Set(heard(program))).to.deep.equal(new Set(all));
    const once_ = all.filter((hook) => hook !== 'onMessage');
    for (const hook of once_) expect(heard(program).filter((one) => one === hook).length, hook).to.equal(1);
    const messages = program.log.filter(({ hook }) => hook === 'onMessage').map(({ from, text }) => `${from} ${text}`);
    expect(messages).to.deep.equal(['downstream drop me', 'downstream hello', 'upstream HELLO']);
    expect(
      heard(program).filter((hook) => hook !== 'onMessage' && hook !== 'onPong' && hook !== 'watchesMessages'),
    ).to.deep.equal(all.filter((hook) => !['onMessage', 'onPong', 'watchesMessages'].includes(hook)));
    await exchange(await program.port(), 'GET /ws/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await program.until(() => heard(program).filter((hook) => hook === 'onDisconnect').length === 2);
    expect(heard(program).filter((hook) => hook === 'onEventStream')).to.have.length(1);
  });

  it('adds keys to listeners, routes, clusters and endpoints, and transforms bodies', async () => {
    const program = sidecarOn(file);
    const port = await program.port();
    const ask = async (path: string, headers = {}, body?: string) =>
      (
        await fetch(`http://127.0.0.1:${port}${path}`, { headers, ...(body !== undefined && { method: 'POST', body }) })
      ).text();
    expect(await ask('/')).to.equal('south ahoy 1 ');
    expect(await ask('/', { 'x-zone': 'north' })).to.equal('north ahoy 1 ');
    expect(await ask('/found')).to.equal('north ahoy 1 ');
    expect(await ask('/found', { 'x-zone': 'south' }, 'quiet')).to.equal('south ahoy 1 quiet');
    expect(await ask('/loud', {}, 'loud')).to.equal('<north ahoy 1 LOUD!>');
    expect(await ask('/', { 'x-zone': 'west' })).to.match(/^no-endpoint/);
    const refused = await fetch(`http://127.0.0.1:${await program.port('closed')}/`);
    expect([refused.status, refused.headers.get('x-greeting')]).to.deep.equal([451, 'ahoy']);
  });

  it('lives from init to stop, and serves its page on the admin address', async () => {
    const program = sidecarOn(file);
    await program.port();
    const { admin } = await program.logged('ready');
    const page = await fetch(`http://${admin as string}/everything`);
    expect(await page.json()).to.deep.equal({ greeting: 'ahoy' });
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    const steps = program.log
      .filter(({ msg }) => msg === 'lifecycle' || msg === 'ready')
      .map(({ step, msg }) => step ?? msg);
    expect(steps).to.deep.equal(['init', 'start', 'ready', 'drain', 'stop']);
    expect(program.log.find(({ step }) => step === 'init')).to.include({ patience: 10 });
    expect(program.log.find(({ step }) => step === 'drain')).to.include({ left: true, open: 0 });
  });

  it('is told what is wrong with its settings and its keys, with the line', async () => {
    const wrong = scratch.write(
      'config/wrong.yaml',
      `listeners:
  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app, closd: true }
clusters:
  app: { endpoints: [{ address: "127.0.0.1:1", zone: 5 }], team: [a] }
plugins:
  - ../plugins/everything.ts: { patience: long }
`,
    );
    const { code, stderr } = await runToEnd(['check', '-c', wrong]);
    expect(code).to.equal(78);
    expect(stderr).to.match(/wrong\.yaml:2:65 listeners\.inbound\.closd: .*did you mean "closed"\?/);
    expect(stderr).to.match(/wrong\.yaml:4:\d+ clusters\.app\.endpoints\[0\]\.zone: /);
    expect(stderr).to.match(/wrong\.yaml:4:\d+ clusters\.app\.team: /);
    expect(stderr).to.match(/wrong\.yaml:6:\d+ plugins\[0\]\S*patience: /);
    expect(stderr).to.match(/wrong\.yaml:6:\d+ plugins\[0\]\S*greeting: is missing/);
  });

  it('is told what is wrong with the settings of its policy and its discovery, with the line', async () => {
    const wrong = scratch.write(
      'config/far.yaml',
      `listeners:
  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: far }
clusters:
  far: { balancer: { policy: by-zone, fallbck: west }, discovery: { two-zones: { north: nonsense } } }
plugins:
  - ../plugins/everything.ts: { greeting: ahoy }
`,
    );
    const { code, stderr } = await runToEnd(['check', '-c', wrong]);
    expect(code).to.equal(78);
    expect(stderr).to.match(/far\.yaml:4:\d+ clusters\.far\.balancer\.fallbck: .*did you mean "fallback"\?/);
    expect(stderr).to.match(/far\.yaml:4:\d+ clusters\.far\.discovery\.two-zones\.north: is "nonsense"/);
    expect(stderr).to.match(/far\.yaml:4:\d+ clusters\.far\.discovery\.two-zones\.south: is missing/);
  });

  it('may be a JavaScript package in a node_modules beside the configuration', async () => {
    scratch.write(
      'packaged/node_modules/@acme/audit/package.json',
      '{ "name": "@acme/audit", "type": "module", "exports": "./index.js" }',
    );
    scratch.write(
      'packaged/node_modules/@acme/audit/index.js',
      `import { ConnectionHooks, definePlugin } from '@outrigger/core';
export default definePlugin({
  name: '@acme/audit',
  config: { by: { doc: 'Who audits.', format: String, default: 'nobody' } },
  bind(bind, { by }) {
    bind(ConnectionHooks).toConstantValue({ onRequest: (session) => session.request.headers.set('x-audited-by', by) });
  },
});
`,
    );
    const upstream = await echoUpstream();
    upstreams.push(upstream);
    const packaged = scratch.write(
      'packaged/outrigger.yaml',
      `${shortest([upstream.address])}plugins:\n  - { use: "@acme/audit", settings: { by: acme }, onError: open, listeners: [inbound] }\n`,
    );
    const program = sidecarOn(packaged);
    const echo = (await (await fetch(`http://127.0.0.1:${await program.port()}/`)).json()) as Echo;
    expect(field(echo.headers, 'x-audited-by')).to.equal('acme');
  });

  it('cannot come before and after another at once: the error names the cycle', async () => {
    const plugin = (name: string, order: string) => `export default { name: '${name}', ${order}, bind() {} };\n`;
    scratch.write('cycle/a.ts', plugin('a', "before: ['b']"));
    scratch.write('cycle/b.ts', plugin('b', "before: ['c']"));
    scratch.write('cycle/c.ts', plugin('c', "before: ['a']"));
    const cycle = scratch.write(
      'cycle/outrigger.yaml',
      `${shortest(['127.0.0.1:1'])}plugins: [./a.ts, ./b.ts, ./c.ts]\n`,
    );
    const { code, stderr } = await runToEnd(['check', '-c', cycle]);
    expect(code).to.equal(78);
    expect(stderr.trimEnd().split('\n').length).to.equal(1);
    for (const name of ['a', 'b', 'c']) expect(stderr).to.match(new RegExp(`\\b${name}\\b`));
    expect(stderr).to.match(/cycle|before/);
  });
});

describe('a plugin that throws in a hook', () => {
  const scratch = new Scratch();
  const upstreams: Upstream[] = [];
  let program: Program;
  before(async () => {
    const chat = await webSocketUpstream(echoMessages);
    upstreams.push(chat);
    // Which hook throws is said by the listener: each has a plugin of its own.
    const listeners = HOOKS.map((hook) => `  ${hook}: { protocol: http, bind: "127.0.0.1:0", cluster: app }\n`).join(
      '',
    );
    const entries = HOOKS.flatMap((hook, i) => {
      const name = `throws-${i}`;
      const pings = hook === 'onPong' ? "onOpen: (session) => session.websocket.ping('upstream')," : '';
      const messages = hook === 'watchesMessages' ? 'onMessage() {},' : '';
      scratch.write(
        `${name}.ts`,
        `import { ConnectionHooks, definePlugin } from '@outrigger/core';
export default definePlugin({
  name: '${name}',
  bind(bind) {
    bind(ConnectionHooks).toConstantValue({ ${pings} ${messages} ${hook}() { throw new Error('${hook} throws'); } });
  },
});
`,
      );
      return [`  - { use: ./${name}.ts, listeners: [${hook}] }\n`];
    });
    const file = scratch.write(
      'outrigger.yaml',
      `listeners:\n${listeners}clusters:\n  app: { endpoints: ["${chat.address}"] }\nplugins:\n${entries.join('')}`,
    );
    program = sidecarOn(file);
    await program.logged('ready');
  });
  after(async () => {
    await endPrograms();
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
    scratch.remove();
  });

  /** What the client sees of it: of the exchange, and of the WebSocket. */
  const SEEN: Readonly<
    Record<(typeof HOOKS)[number], readonly [http: number | 'closed', websocket: number | 'closed' | 'open']>
  > = {
    onAccept: ['closed', 'closed'],
    onConnection: ['closed', 'closed'],
    onRequest: [500, 500],
    onUpgrade: [200, 500],
    onRoute: [500, 500],
    onAttempt: [500, 500],
    onAttemptEnd: [200, 'open'],
    onResponse: [500, 500],
    onOpen: [200, 1011],
    onEventStream: [200, 'open'],
    onMessage: [200, 1011],
    watchesMessages: [200, 'open'],
    onPong: [200, 1011],
    onSessionEnd: [200, 'open'],
    onDisconnect: [200, 'open'],
  };

  for (const hook of HOOKS) {
    const [http, webSocket] = SEEN[hook];
    it(`${hook}: an exchange sees ${http}, a WebSocket ${webSocket}, and the process goes on`, async () => {
      const port = await program.port(hook);
      const path = hook === 'onEventStream' ? '/events' : '/';
      const answer = await exchange(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`).catch(
        () => '',
      );
      expect(answer === '' ? 'closed' : statusOf(answer)).to.equal(http);
      expect(await webSocketSees(port)).to.equal(webSocket);
      const failed = await program.until(({ log }) => log.find((line) => line['hook'] === hook));
      expect(failed).to.include({ level: 'error', plugin: `throws-${HOOKS.indexOf(hook)}`, onError: 'closed' });
      expect(failed['error']).to.match(new RegExp(`^Error: ${hook} throws\\n.*throws-\\d+\\.ts:5`));
      expect(program.process.exitCode).to.equal(null);
    });
  }

  it('has not kept the sidecar from ending cleanly', async () => {
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });

  async function webSocketSees(port: number): Promise<number | 'closed' | 'open'> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    return new Promise((resolve) => {
      socket.on('error', () => resolve('closed'));
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode!);
        response.destroy();
      });
      socket.on('open', () => socket.send('hello'));
      socket.on('message', () => {
        // A pong of the endpoint's may still be on its way: the second answer comes after it.
        if (socket.listenerCount('message') === 1) {
          socket.on('message', () => {
            resolve('open');
            socket.close();
          });
          socket.send('again');
        }
      });
      socket.on('close', (code) => resolve(code));
    });
  }
});
