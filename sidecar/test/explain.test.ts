import { RouteTable } from '@outrigger/routing';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Explanation } from '../src/explain.ts';
import { inOrderOfMatching, matchOf, type ShownMatch } from '../src/route-order.ts';
import { folderWith, outrigger } from './command-line.ts';

const FILES = {
  'o.yaml': `drain: { timeout: "\${TIME:-9s}" }
listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:\${PORT}"
    routes:
      - { cluster: web }
      - { match: { path: /ws }, cluster: chat }
      - { match: { path: =/ws, headers: { x-beta: "1" } }, cluster: chat }
  outbound: { protocol: http, direction: outbound, bind: "unix:/run/o.sock", cluster: cart }
clusters:
  chat: { endpoints: ["127.0.0.1:4001", { address: "127.0.0.1:4002", weight: 3 }] }
  web: { endpoints: [] }
  cart: { discovery: { dns: { host: cart.internal, port: 8080 } } }
plugins:
  - { use: ./p.ts, settings: { token: "\${TOKEN}" }, onError: open, timeout: 2s, listeners: [inbound] }
  - tracing: { sampling: 1 }
`,
  'p.ts': `import { ConnectionHooks } from '@outrigger/core';
export default {
  name: 'mine',
  config: { token: { doc: 'Token.', format: String, sensitive: true } },
  bind(bind) { bind(ConnectionHooks).toConstantValue({ onRequest() {}, onMessage() {}, onResponse() {}, onSessionEnd() {} }); },
};
`,
};
const ENV = {
  PORT: '8080',
  TOKEN: 'hunter2',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  OTEL_SERVICE_NAME: 'shop',
};

describe('outrigger explain', () => {
  const folder = folderWith(FILES);
  after(() => folder.remove());
  const args = ['explain', '-c', 'o.yaml', '--set', 'drain.rate=7'];
  let explanation: Explanation;
  let text: string;
  before(async () => {
    const [json, forPeople] = await Promise.all([
      outrigger([...args, '--json'], folder.path, ENV),
      outrigger(args, folder.path, ENV),
    ]);
    expect([json.code, json.stderr, forPeople.code, forPeople.stderr]).to.deep.equal([0, '', 0, '']);
    explanation = JSON.parse(json.stdout) as Explanation;
    text = forPeople.stdout;
  });

  it('has the plugins in order, with origin, settings of their entries, and what they contribute', () => {
    const names = explanation.plugins.map(({ name }) => name);
    const builtIn = [
      'metrics',
      'discovery',
      'scheduling',
      'health',
      'keepalive',
      'resilience',
      'routing',
      'http',
      'https',
      'tracing',
      'access-log',
      'admin',
    ];
    expect(names).to.deep.equal([...builtIn, 'mine']);
    expect(explanation.plugins.at(-1)).to.deep.equal({
      name: 'mine',
      origin: `${folder.path}/p.ts`,
      onError: 'open',
      timeout: '2s',
      listeners: ['inbound'],
      provides: [],
      hooks: ['onRequest', 'onResponse', 'onMessage', 'onSessionEnd'],
    });
    const provided = explanation.plugins.flatMap(({ provides }) => provides);
    expect(provided).to.include.members(['router', 'protocol http/1.1', 'discovery dns', 'policy round-robin']);
  });

  it('has the hooks in the order in which they run, towards upstream and back, by listener', () => {
    const [inbound, outbound] = explanation.listeners;
    const plugins = (hooks: { hook: string; plugins: readonly string[] }[], hook: string) =>
      hooks.find((one) => one.hook === hook)?.plugins.filter((name) => ['tracing', 'mine'].includes(name));
    const { towardsUpstream, back } = inbound!.hooks as {
      towardsUpstream: { hook: string; plugins: string[] }[];
      back: { hook: string; plugins: string[] }[];
    };
    expect(plugins(towardsUpstream, 'onRequest')).to.deep.equal(['tracing', 'mine']);
    expect(plugins(towardsUpstream, 'onMessage')).to.deep.equal(['mine']);
    expect(plugins(back, 'onSessionEnd')).to.deep.equal(['mine', 'tracing']);
    expect(plugins(back, 'onResponse')).to.deep.equal(['mine']);
    expect(JSON.stringify(outbound!.hooks)).not.to.contain('mine');
  });

  it('has routes in the order in which they match', () => {
    expect(explanation.listeners.map(({ routes }) => routes)).to.deep.equal([
      [
        { match: { path: '=/ws', headers: { 'x-beta': '1' } }, cluster: 'chat' },
        { match: { path: '/ws' }, cluster: 'chat' },
        { match: {}, cluster: 'web' },
      ],
      [{ match: {}, cluster: 'cart' }],
    ]);
    expect(explanation.listeners.map(({ transport }) => transport)).to.deep.equal(['tcp', 'Unix-domain socket']);
  });

  it('has clusters with policy, endpoints and where those come from', () => {
    expect(explanation.clusters).to.deep.equal([
      {
        name: 'chat',
        policy: 'round-robin',
        connector: 'tcp',
        connectorDetails: [],
        discovery: 'the list in the file',
        endpoints: [
          { address: '127.0.0.1:4001', weight: 1 },
          { address: '127.0.0.1:4002', weight: 3 },
        ],
      },
      {
        name: 'web',
        policy: 'round-robin',
        connector: 'tcp',
        connectorDetails: [],
        discovery: 'the list in the file',
        endpoints: [],
      },
      {
        name: 'cart',
        policy: 'round-robin',
        connector: 'tcp',
        connectorDetails: [],
        discovery: 'dns cart.internal:8080',
        endpoints: [],
      },
    ]);
  });

  it('says of each value where it came from', () => {
    const origins = Object.fromEntries(explanation.values.map(({ path, value, origin }) => [path, [value, origin]]));
    expect(origins).to.deep.include({
      'service.name': ['shop', '$OTEL_SERVICE_NAME'],
      'drain.timeout': ['9s', 'o.yaml:1:19'],
      'drain.rate': [7, '--set'],
      'drain.delay': ['0s', 'default'],
      'listeners.inbound.bind': ['127.0.0.1:8080', 'o.yaml:5:11 ($PORT)'],
      'listeners.inbound.routes[1].match.path': ['/ws', 'o.yaml:8:26'],
      'listeners.inbound.timeouts.head': ['10s', 'default'],
      'clusters.chat.endpoints[0].address': ['127.0.0.1:4001', 'o.yaml:12:23'],
      'clusters.chat.endpoints[1].weight': [3, 'o.yaml:12:78'],
      'clusters.chat.balancer.policy': ['round-robin', 'default'],
      'clusters.web.endpoints': [[], 'o.yaml:13:21'],
      'clusters.cart.discovery.dns.refresh': ['30s', 'default'],
      'mine.token': ['[sensitive]', 'o.yaml:16:39 ($TOKEN)'],
      'plugins.mine.timeout': ['2s', 'o.yaml:16:77'],
      'tracing.sampling': [1, 'o.yaml:17:26'],
    });
    expect(explanation.environment).to.deep.equal(['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_SERVICE_NAME']);
  });

  it('says which way sockets are read', () => {
    expect(explanation.reads).to.match(/one shared buffer of 64 KiB, as was tried just now on Node 24\./);
    expect(text).to.contain('one shared buffer of 64 KiB');
  });

  it('shows no secret, in neither form', () => {
    expect(JSON.stringify(explanation) + text).not.to.contain('hunter2');
  });

  it('is readable at 80 columns, without colours where it is no terminal', () => {
    expect(text.split('\n').filter((line) => line.length > 80)).to.deep.equal([]);
    expect(text).not.to.contain('\x1b');
    for (const part of ['1  /ws exactly, x-beta: 1 → chat', 'onSessionEnd  mine → tracing', '127.0.0.1:4002  weight 3'])
      expect(text).to.contain(part);
  });

  it('tells the problems of a configuration that is not valid', async () => {
    const { code, stdout, stderr } = await outrigger(args, folder.path, { ...ENV, PORT: 'many' });
    expect({ code, stdout }).to.deep.equal({ code: 78, stdout: '' });
    expect(stderr).to.match(/^o\.yaml:5:11 listeners\.inbound\.bind: is "127\.0\.0\.1:many", expected an address/);
  });
});

describe('outrigger explain of TLS', () => {
  const folder = folderWith({
    'o.yaml': `listeners:
  edge:
    protocol: https
    bind: "127.0.0.1:8443"
    tls:
      certificates:
        - { cert: tls/localhost.crt, key: tls/localhost.key }
        - { cert: tls/dev-app.crt, key: tls/dev-app.key, clientCa: tls/ca.crt, clientAuth: require }
    cluster: app
clusters:
  app: { endpoints: ["127.0.0.1:3000"], tls: { serverName: app, ca: tls/ca.crt, cert: tls/dev-app.crt, key: tls/dev-app.key } }
  any: { endpoints: ["127.0.0.1:3001"], tls: { verify: false } }
`,
  });
  after(() => folder.remove());
  let explanation: Explanation;
  before(async () => {
    for (const args of [['cert'], ['cert', 'spiffe://dev/app']])
      expect((await outrigger(args, folder.path)).code).to.equal(0);
    const { code, stdout, stderr } = await outrigger(['explain', '-c', 'o.yaml', '--json'], folder.path);
    expect(code, stderr).to.equal(0);
    explanation = JSON.parse(stdout) as Explanation;
  });
  const told = (lines: readonly string[]) => lines.map((line) => line.replaceAll(`${folder.path}/`, ''));

  it('says which certificates there are, until when, and what clients are asked for', () => {
    const [first, second, ...certificates] = told(explanation.listeners[0]!.transportDetails);
    expect(first).to.equal('TLS 1.2 and 1.3');
    expect(second).to.equal('requests must name the host that their handshake named, else 421');
    expect(certificates[0]).to.match(
      /^tls\/localhost\.crt: localhost \(ec\), until 20\d\d-\d\d-\d\d; clients are asked for no certificate$/,
    );
    expect(certificates[1]).to.match(
      /^tls\/dev-app\.crt: spiffe:\/\/dev\/app \(ec\), until .{10}; clients must show a certificate of tls\/ca\.crt$/,
    );
  });

  it('says whom endpoints must prove to be, and what they are shown', () => {
    const [app, any] = explanation.clusters.map(({ connectorDetails }) => told(connectorDetails));
    expect(app![0]).to.equal('endpoints must prove to be app, by tls/ca.crt');
    expect(app![1]).to.match(/^they are shown tls\/dev-app\.crt: spiffe:\/\/dev\/app \(ec\), until /);
    expect(any).to.deep.equal(['any certificate of anybody is taken (verify: false)']);
  });

  it('says it to people, too', async () => {
    const { stdout } = await outrigger(['explain', '-c', 'o.yaml'], folder.path);
    expect(stdout)
      .to.match(/^ {4}TLS 1\.2 and 1\.3$/m)
      .and.match(/^ {4}endpoints must prove to be app, by/m);
  });
});

describe('the order in which routes match', () => {
  const match: fc.Arbitrary<ShownMatch> = fc.record(
    {
      host: fc.constantFrom('a.b', 'x.a.b', '*.a.b', '*.b', '*', 'A.B'),
      path: fc.constantFrom('/', '/p', '/p/', '/p/q', '=/p', '=/p/q', '/long-one'),
      method: fc.constantFrom('GET', 'POST'),
      headers: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2')),
    },
    { requiredKeys: [] },
  );
  const asked = fc.record({
    host: fc.constantFrom('a.b', 'x.a.b', 'y.b', 'c'),
    path: fc.constantFrom('/', '/p', '/p/q', '/p/q/r', '/long-one/x', '/pq'),
    method: fc.constantFrom('GET', 'POST'),
    headers: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2')),
  });

  it('is that of the routing plugin: the first that fits a request is the one that it takes', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    process.stdout.write(`      SEED=${seed}\n`);
    let routed = 0;
    fc.assert(
      fc.property(fc.array(match, { maxLength: 8 }), fc.array(asked, { minLength: 1 }), (matches, requests) => {
        const specs = matches.map((one, index) => ({ cluster: `r${index}`, settings: { match: one } }));
        const table = RouteTable.create(
          specs.map((spec) => ({
            spec,
            route: { name: spec.cluster, cluster: { name: spec.cluster }, settings: spec.settings },
          })) as never,
        );
        const ordered = inOrderOfMatching(specs);
        for (const request of requests) {
          const headers = { get: (name: string) => request.headers[name] };
          const taken = table.route({ request: { ...request, headers } } as never) as { name: string } | undefined;
          const first = ordered.find((route) => fits(matchOf(route), request));
          expect(first?.cluster).to.equal(taken?.name);
          if (first !== undefined) routed++;
        }
      }),
      { seed, numRuns: 500 },
    );
    expect(routed).to.be.greaterThan(100);
  });
});

function fits(match: ShownMatch, asked: { host: string; path: string; method: string; headers: object }): boolean {
  const host = match.host?.toLowerCase() ?? '*';
  const hostFits = host === '*' || (host.startsWith('*') ? asked.host.endsWith(host.slice(1)) : asked.host === host);
  const path = match.path?.replace(/(?<!=)\/$/, '');
  const pathFits =
    path === undefined ||
    (path.startsWith('=') ? asked.path === path.slice(1) : asked.path === path || asked.path.startsWith(`${path}/`));
  const headers = asked.headers as Record<string, string>;
  return (
    hostFits &&
    pathFits &&
    (match.method ?? asked.method) === asked.method &&
    Object.entries(match.headers ?? {}).every(([name, value]) => headers[name] === value)
  );
}
