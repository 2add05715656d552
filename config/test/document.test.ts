// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plugin } from '@outrigger/core';
import { expect } from 'chai';
import {
  configurationFor,
  describeOrigin,
  type Environment,
  formatProblem,
  type Known,
  type Origin,
  plainDocument,
  readDocument,
  type SidecarConfiguration,
  validate,
} from '../src/index.ts';
import { known, plugins } from './stand-ins.ts';

const BASE = `listeners: { a: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters: { app: { endpoints: ["127.0.0.1:1"] } }
`;

function read(
  text: string,
  { env = {}, set = [], what = known }: { env?: Environment; set?: string[]; what?: Known } = {},
) {
  const { configuration, problems = [] } = validate(readDocument({ text, name: '/etc/o.yaml' }, env, set), what);
  return { configuration: configuration as SidecarConfiguration, problems: problems.map(formatProblem) };
}

/** Reads what must be valid. */
function valid(text: string, options: Parameters<typeof read>[1] = {}): SidecarConfiguration {
  const { configuration, problems } = read(text, options);
  expect(problems).to.deep.equal([]);
  return configuration;
}

const tracing = (configuration: SidecarConfiguration) =>
  configuration.plugins.find(({ use }) => use === 'tracing')!.settings;

describe('a document', () => {
  it('has defaults for everything but listeners and clusters', () => {
    const { service, admin, probes, drain } = valid(BASE);
    expect({ service, admin, probes, drain }).to.deep.equal({
      service: { name: 'outrigger' },
      admin: { bind: '127.0.0.1:9901' },
      probes: false,
      drain: { delay: 0, timeout: 30_000, rate: 200, code: 1001 },
    });
  });

  it('may be JSON', () => {
    const text = JSON.stringify({
      admin: false,
      listeners: { a: { protocol: 'http', bind: '127.0.0.1:0', cluster: 'app' } },
      clusters: { app: { endpoints: ['127.0.0.1:1'] } },
    });
    expect(valid(text).admin).to.equal(false);
  });

  it('may use anchors and aliases', () => {
    const text = `listeners:
  a: { protocol: http, bind: "127.0.0.1:0", cluster: app, timeouts: &t { head: 1s } }
  b: { protocol: http, bind: "127.0.0.1:0", cluster: app, timeouts: *t }
clusters: { app: { endpoints: [] } }
`;
    expect(valid(text).listeners[1]!.settings['timeouts']).to.deep.include({ head: 1_000 });
  });

  it('may call anything "default", "constructor" or "__proto__", or by a name with dots', () => {
    const names = ['default', 'constructor', '__proto__', 'a.b', 'format', 'doc', 'policy', '_cvtProperties', 'é x'];
    const quoted = names.map((name) => JSON.stringify(name));
    const text = `listeners:
${quoted.map((name) => `  ${name}: { protocol: http, bind: "127.0.0.1:0", routes: [{ cluster: ${name}, match: { headers: { ${name}: x } } }] }`).join('\n')}
clusters:
${quoted.map((name) => `  ${name}: { endpoints: [{ address: "127.0.0.1:1", metadata: { ${name}: 1 } }] }`).join('\n')}
`;
    const { listeners, clusters, shown } = valid(text);
    expect(listeners.map(({ name }) => name)).to.deep.equal(names);
    expect(clusters.map(({ name }) => name)).to.deep.equal(names);
    for (const [index, name] of names.entries()) {
      const { headers } = listeners[index]!.routes[0]!.settings['match'] as { headers: object };
      expect(Object.entries(headers)).to.deep.equal([[name, 'x']]);
      const [endpoint] = clusters[index]!.discovery.spec as { metadata: object }[];
      expect(Object.entries(endpoint!.metadata)).to.deep.equal([[name, 1]]);
    }
    expect(Object.keys(shown['clusters'] as object)).to.deep.equal(names);
    expect(({} as Record<string, unknown>)['endpoints']).to.equal(undefined);
  });

  it('allows several listeners on port 0', () => {
    valid(`${BASE.replace('listeners: {', 'listeners: { b: { protocol: http, bind: "127.0.0.1:0", cluster: app },')}`);
  });

  it('allows a cluster without an endpoint in its list', () => {
    expect(valid(BASE.replace('["127.0.0.1:1"]', '[]')).clusters[0]!.discovery).to.deep.equal({
      name: 'static',
      spec: [],
    });
  });

  it('puts what plugins say of an endpoint into its metadata', () => {
    const { clusters } = valid(BASE.replace('"127.0.0.1:1"', '{ address: "app:1", zone: b, metadata: { rack: 7 } }'));
    expect(clusters[0]!.discovery.spec).to.deep.equal([
      { address: 'app:1', weight: 1, metadata: { rack: 7, zone: 'b' } },
    ]);
  });

  it('takes any policy and discovery where it is not told which there are', () => {
    const text = BASE.replace(
      'endpoints: ["127.0.0.1:1"]',
      'balancer: { policy: mine, x: 1 }, discovery: { consul: { y: 2 } }',
    );
    const { clusters } = valid(text, { what: { plugins } });
    expect(clusters[0]!.balancer).to.deep.equal({ policy: 'mine', settings: { x: 1 } });
    expect(clusters[0]!.discovery).to.deep.equal({ name: 'consul', spec: { y: 2 } });
  });

  it('says that https needs its plugin', () => {
    const { problems } = read(BASE.replace('http,', 'https,'), { what: { plugins: [] } });
    expect(problems).to.deep.equal([
      '/etc/o.yaml:1:29 listeners.a.protocol: "https" needs the https plugin, which is not loaded, expected one of http',
    ]);
  });

  it('reports plugins that could not be loaded where they are listed', () => {
    const document = readDocument({ text: `${BASE}plugins:\n  - ./x.ts\n`, name: '/etc/o.yaml' }, {});
    const failures = [{ entry: document.plugins[0]!, message: 'cannot be loaded: no such file' }];
    expect(validate(document, { ...known, failures }).problems?.map(formatProblem)).to.deep.equal([
      '/etc/o.yaml:4:5 plugins[0]: cannot be loaded: no such file',
    ]);
  });

  it('reports two plugins that define the same setting', () => {
    const one = (name: string): { plugin: Plugin } => ({
      plugin: {
        name,
        bind() {},
        sections: { route: { limit: { per: { doc: 'Limit.', format: 'rate', optional: true } } } },
      },
    });
    expect(read(BASE, { what: { plugins: [one('one'), one('two')] } }).problems).to.deep.equal([
      '/etc/o.yaml:1:1 plugins: "two" and "one" both define "limit.per" for a route',
    ]);
  });

  it('reports a file that cannot be read', () => {
    const { problems = [] } = validate(readDocument('/nowhere/o.yaml', {}), known);
    expect(problems.map(formatProblem)).to.deep.equal(['/nowhere/o.yaml:1:1: cannot be read: there is no such file']);
  });

  it('resolves paths from the directory of its file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'outrigger-'));
    try {
      const file = join(directory, 'o.yaml');
      writeFileSync(file, `${BASE}plugins: [./a.ts, ../b.js, /c.js, "@d/e"]\n`);
      const { plugins: entries } = readDocument(file, {});
      expect(entries.map(({ use, isPath }) => [use, isPath])).to.deep.equal([
        [join(directory, 'a.ts'), true],
        [join(directory, '../b.js'), true],
        ['/c.js', true],
        ['@d/e', false],
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('variables in a document', () => {
  const env = { NAME: 'chat', PORT: '8080', EMPTY: '', YES: 'true' };
  const table: readonly [written: string, read: unknown][] = [
    ['${NAME}', 'chat'],
    ['"${NAME}-${PORT}"', 'chat-8080'],
    ['${PORT}', 8080],
    ['"${PORT}"', '8080'],
    ['${YES}', true],
    ['${NOBODY:-default}', 'default'],
    ['${EMPTY:-default}', 'default'],
    ['${NOBODY:-}', ''],
    ['"${EMPTY}"', ''],
    ['${NOBODY:-5}', 5],
    ["'$${NAME}'", '${NAME}'],
    ['"$${NAME} ${NAME}"', '${NAME} chat'],
    ['$NAME', '$NAME'],
  ];
  for (const [written, value] of table)
    it(`reads ${written} as ${JSON.stringify(value)}`, () => {
      expect(plainDocument(readDocument({ text: `x: ${written}\n`, name: 'o.yaml' }, env))).to.deep.equal({ x: value });
    });

  it('are text where text belongs, and cannot add structure', () => {
    const { service } = valid(`service:\n  name: \${ID}\n${BASE}`, { env: { ID: '42' } });
    expect(service.name).to.equal('42');
    expect(valid(`service:\n  name: \${ID}\n${BASE}`, { env: { ID: 'a: { b: c } # d' } }).service.name).to.equal(
      'a: { b: c } # d',
    );
  });
});

describe('precedence', () => {
  const withEndpoint = (endpoint: string) => `${BASE}plugins: [{ tracing: { endpoint: ${endpoint} } }]\n`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'from-environment' };
  const set = ['plugins[0].tracing.endpoint=from-flag'];

  it('is default, file, environment, flag', () => {
    expect(tracing(valid(BASE))['endpoint']).to.equal(undefined);
    expect(tracing(valid(withEndpoint('from-file')))['endpoint']).to.equal('from-file');
    expect(tracing(valid(withEndpoint('from-file'), { env }))['endpoint']).to.equal('from-environment');
    expect(tracing(valid(BASE, { env }))['endpoint']).to.equal('from-environment');
    expect(tracing(valid(withEndpoint('from-file'), { env, set }))['endpoint']).to.equal('from-flag');
    expect(valid(BASE, { env: { OTEL_SERVICE_NAME: 'x' } }).service.name).to.equal('x');
  });

  it('takes an empty variable for none', () => {
    expect(
      tracing(valid(withEndpoint('from-file'), { env: { OTEL_EXPORTER_OTLP_ENDPOINT: '' } }))['endpoint'],
    ).to.equal('from-file');
  });

  it('reads what the environment says by the format of its setting', () => {
    const level: Plugin = {
      name: 'x',
      bind() {},
      config: { wait: { doc: 'Wait.', format: 'duration', default: '1s', env: 'WAIT' } },
    };
    const what = { plugins: [{ plugin: level }] };
    expect(valid(BASE, { what, env: { WAIT: '2m' } }).plugins[0]!.settings).to.deep.equal({ wait: 120_000 });
    expect(read(BASE, { what, env: { WAIT: 'soon' } }).problems).to.deep.equal([
      '$WAIT:1:1 plugins.x.wait: is "soon", expected a duration such as 500ms, 25s, 2m, 1h or off',
    ]);
  });
});

describe('what is sensitive', () => {
  it('is masked wherever the configuration is shown', () => {
    const text = `${BASE}plugins: [{ tracing: { token: abc, sampling: 0.5 } }]\n`;
    const configuration = valid(text);
    expect(tracing(configuration)['token']).to.equal('abc');
    const shown = configuration.shown['plugins'] as { use: string; settings: object }[];
    expect(shown.find(({ use }) => use === 'tracing')?.settings).to.deep.include({
      token: '[sensitive]',
      sampling: 0.5,
    });
    expect(JSON.stringify(configuration.shown)).not.to.contain('abc');
  });
});

describe('what is shown', () => {
  const written: Plugin = {
    name: 'x',
    bind() {},
    config: {
      wait: { doc: 'Wait.', format: 'duration', default: 90_000 },
      never: { doc: 'Never.', format: 'duration', default: Number.POSITIVE_INFINITY },
      most: { doc: 'Most.', format: 'size', default: 16 * 1024 * 1024 },
      waits: { doc: 'Waits.', format: { list: 'duration' }, default: [250, 3_600_000] },
      token: { doc: 'Token.', format: String, default: 'public', sensitive: true },
      headers: { doc: 'Headers.', format: { map: String }, default: {}, sensitive: true },
      id: { doc: 'Text.', format: String, optional: true },
    },
  };

  it('is written as in files: units, forms, and text where text belongs', () => {
    const text = `${BASE}plugins: [{ use: x, settings: { id: "\${ID}" }, timeout: 2s }]\n`;
    const { shown } = valid(text, { what: { plugins: [{ plugin: written }] }, env: { ID: '7' } });
    expect(shown['plugins']).to.deep.equal([
      {
        use: 'x',
        settings: {
          wait: '90s',
          never: 'off',
          most: '16MiB',
          waits: ['250ms', '1h'],
          token: '[sensitive]',
          headers: {},
          id: '7',
        },
        onError: 'closed',
        timeout: '2s',
      },
    ]);
  });

  it('is valid again, and then comes to the same', () => {
    const once = valid(BASE);
    const twice = valid(JSON.stringify(once.shown, (key, value) => (key === 'plugins' ? [] : value)));
    expect({ ...twice, shown: 0 }).to.deep.equal({ ...once, shown: 0 });
  });
});

describe('where a value came from', () => {
  it('is told of each: file, variable, environment, flag, default', () => {
    const text = `${BASE}service:
  name: x
drain:
  timeout: "\${T}"
plugins: [{ tracing: { sampling: 0.5 } }]
`;
    const env = { T: '9s', TRACING_TOKEN: 'abc', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' };
    const document = readDocument({ text, name: 'o.yaml' }, env, ['drain.rate=5', 'clusters.app.endpoints[1]=b:1']);
    const origins = new Map<string, Origin>();
    expect(validate(document, known, origins).problems).to.equal(undefined);
    const told = [...origins].map(([path, origin]): [string, string] => [path, describeOrigin(origin)]);
    expect(Object.fromEntries(told)).to.include({
      'service.name': 'o.yaml:4:9',
      'drain.timeout': 'o.yaml:6:12 ($T)',
      'drain.delay': 'default',
      'drain.rate': '--set',
      admin: 'default',
      'listeners.a.bind': 'o.yaml:1:41',
      'listeners.a.timeouts.head': 'default',
      'clusters.app.endpoints[0]': 'o.yaml:2:32',
      'clusters.app.endpoints[1]': '--set',
      'clusters.app.balancer': 'default',
      'plugins[0].tracing.sampling': 'o.yaml:7:34',
      'plugins[0].tracing.token': '$TRACING_TOKEN',
      'plugins[0].tracing.endpoint': '$OTEL_EXPORTER_OTLP_ENDPOINT',
      'plugins[0].tracing.atLeast': 'default',
      'plugins.keepalive.websocket.interval': 'default',
    });
  });
});

describe('an override', () => {
  const set = (...overrides: string[]) => read(BASE, { set: overrides });

  const good: readonly [override: string, pick: (c: SidecarConfiguration) => unknown, value: unknown][] = [
    ['drain.timeout=1m', (c) => c.drain.timeout, 60_000],
    ['admin=false', (c) => c.admin, false],
    ['drain.rate=1e3', (c) => c.drain.rate, 1_000],
    ['drain.timeout=1.007s', (c) => c.drain.timeout, 1_007],
    ['service.name=5', (c) => c.service.name, '5'],
    ['service.name="5"', (c) => c.service.name, '5'],
    ['service.name=a=b', (c) => c.service.name, 'a=b'],
    ['listeners.a.bind=[::1]:0', (c) => c.listeners[0]!.bind, '[::1]:0'],
    ['listeners.a.trustedPeers=[10.0.0.0/8]', (c) => c.listeners[0]!.settings['trustedPeers'], ['10.0.0.0/8']],
    [
      'clusters.app.endpoints[0]=localhost:2',
      (c) => c.clusters[0]!.discovery.spec,
      [{ address: 'localhost:2', weight: 1, metadata: {} }],
    ],
    [
      'clusters.app.timeouts.total=off',
      (c) => (c.clusters[0]!.settings['timeouts'] as { total: number }).total,
      Number.POSITIVE_INFINITY,
    ],
    ['clusters."a.b=c".endpoints=[]', (c) => c.clusters[1]!.name, 'a.b=c'],
  ];
  for (const [override, pick, value] of good)
    it(`of ${override} holds`, () => {
      const { configuration, problems } = set(override);
      expect(problems).to.deep.equal([]);
      expect(pick(configuration)).to.deep.equal(value);
    });

  it('may append to a list, and the last of two wins', () => {
    const { configuration } = set('clusters.app.endpoints[1]=b:1', 'clusters.app.endpoints[1]=c:1');
    expect(
      (configuration.clusters[0]!.discovery.spec as { address: string }[]).map(({ address }) => address),
    ).to.deep.equal(['127.0.0.1:1', 'c:1']);
  });

  const bad: readonly [override: string, problem: string][] = [
    ['drain.timeout', '--set:1:1: "drain.timeout" has no value, expected --set PATH=VALUE'],
    ['=5', '--set:1:1: the path is empty, expected --set PATH=VALUE'],
    ['a..b=5', '--set:1:1: "a..b" is not a path: cannot read it from "..b" on, expected --set PATH=VALUE'],
    [
      'drain.timeout=5',
      '--set:1:15 drain.timeout: is 5 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
    ],
    ['drain.tmeout=5s', '--set:1:14 drain.tmeout: is not known here, did you mean "timeout"?'],
    ['clusters.app.endpoints[7]=a:1', '--set:1:1: the list has 1 items, there is no [7], expected --set PATH=VALUE'],
    ['clusters.app[0]=a:1', '--set:1:1: there is no list to take [0] of, expected --set PATH=VALUE'],
    ['listeners.a.cluster.x=1', '--set:1:1: there is no map to put "x" into, expected --set PATH=VALUE'],
  ];
  for (const [override, problem] of bad)
    it(`of ${override} is refused`, () => {
      expect(set(override).problems).to.deep.equal([problem]);
    });
});

describe('the shortest configuration', () => {
  it('is one listener in front of one cluster', () => {
    const document = configurationFor({ listen: '127.0.0.1:0', to: 'localhost:3000, [::1]:3001' }, {}, ['admin=false']);
    const { configuration, problems = [] } = validate(document, known);
    expect(problems).to.deep.equal([]);
    expect(configuration?.admin).to.equal(false);
    expect(configuration?.listeners).to.have.length(1);
    expect(configuration?.listeners[0]).to.deep.include({ name: 'inbound', protocol: 'http', bind: '127.0.0.1:0' });
    expect(configuration?.listeners[0]?.routes[0]?.cluster).to.equal('app');
    expect(configuration?.clusters[0]?.discovery.spec).to.deep.equal([
      { address: 'localhost:3000', weight: 1, metadata: {} },
      { address: '[::1]:3001', weight: 1, metadata: {} },
    ]);
  });

  it('names the flag that is wrong', () => {
    const { problems = [] } = validate(configurationFor({ listen: '8080', to: 'a:1,b' }, {}), known);
    expect(problems.map(formatProblem)).to.deep.equal([
      '--listen:1:1 listeners.inbound.bind: is 8080, expected an address: host:port, [ipv6]:port or unix:/path',
      '--to:1:5 clusters.app.endpoints[1]: is "b": must be host:port, [ipv6]:port or unix:/path',
    ]);
  });
});
