import { expect } from 'chai';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { type Difference, difference, formatProblem, readDocument, validate } from '../src/index.ts';
import { known, plugins } from './stand-ins.ts';

const header = { header: { doc: 'Header.', format: String, default: 'x-tenant' } };

function read(text: string) {
  const document = readDocument({ text, name: '/etc/o.yaml' }, {});
  const listed = document.plugins
    .filter(({ isPath }) => isPath)
    .map((entry) => ({ plugin: { name: entry.use.replace(/\W/g, ''), bind() {}, config: header }, entry }));
  const { configuration, problems = [] } = validate(document, { ...known, plugins: [...plugins, ...listed] });
  expect(problems.map(formatProblem), text).to.deep.equal([]);
  return configuration!;
}

const BASE = `drain: { timeout: 1m }
listeners: { a: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters: { app: { endpoints: ["a:1"] } }
plugins: [{ tracing: { token: hunter2 } }, ./x.ts]
`;

/** A change of BASE, and all that is told of it. */
const table: readonly [name: string, from: string, to: string, ...told: Difference[]][] = [
  ['a duration in another unit', '1m', '60s'],
  ['a default spelled out', '"127.0.0.1:0"', '"127.0.0.1:0", direction: inbound, timeouts: { head: 10s }'],
  ['one route instead of a cluster', 'cluster: app', 'routes: [{ cluster: app }]'],
  ['an endpoint as a map', '["a:1"]', '[{ address: "a:1", weight: 1 }]'],
  ['a policy in its long form', '["a:1"]', '["a:1"], balancer: { policy: round-robin }'],
  ['a plugin in its long form', './x.ts', '{ use: ./x.ts, settings: {}, timeout: 10s }'],
  ['an entry that says nothing', './x.ts]', './x.ts, keepalive]'],
  ['a setting', '1m', '90s', { path: 'drain.timeout', old: '1m', new: '90s' }],
  ['off', 'drain: {', 'admin: false\ndrain: {', { path: 'admin', old: { bind: '127.0.0.1:9901' }, new: false }],
  ['on', 'drain: {', 'probes: { bind: ":1" }\ndrain: {', { path: 'probes', old: false, new: { bind: ':1' } }],
  [
    'a secret',
    'hunter2',
    'hunter3',
    { path: 'plugins.tracing.settings.token', old: '[sensitive]', new: '[sensitive]' },
  ],
  [
    'a route in front',
    'cluster: app',
    'routes: [{ match: { path: /x }, cluster: app }, { cluster: app }]',
    {
      path: 'listeners.a.routes[0]',
      old: undefined,
      new: { cluster: 'app', onChange: 'keep', match: { path: '/x' }, timeouts: {} },
    },
  ],
  [
    'an endpoint less',
    '["a:1"]',
    '[]',
    { path: 'clusters.app.endpoints[0]', old: { address: 'a:1', weight: 1 }, new: undefined },
  ],
  [
    'what a plugin says of an endpoint',
    '"a:1"',
    '{ address: "a:1", zone: b, metadata: { rack: 7 } }',
    { path: 'clusters.app.endpoints[0].metadata.rack', old: undefined, new: 7 },
    { path: 'clusters.app.endpoints[0].zone', old: undefined, new: 'b' },
  ],
  [
    'a discovery instead of endpoints',
    'endpoints: ["a:1"]',
    'discovery: { dns: { host: a, port: 1 } }',
    { path: 'clusters.app.endpoints', old: [{ address: 'a:1', weight: 1 }], new: undefined },
    { path: 'clusters.app.discovery', old: undefined, new: { dns: { host: 'a', port: 1, refresh: '30s' } } },
  ],
  [
    'a plugin more',
    './x.ts]',
    './x.ts, ./y.ts]',
    {
      path: 'plugins."/etc/y.ts"',
      old: undefined,
      new: { use: '/etc/y.ts', settings: { header: 'x-tenant' }, onError: 'closed', timeout: '10s' },
    },
  ],
];

describe('the difference of two configurations', () => {
  for (const [name, from, to, ...told] of table)
    it(`${told.length === 0 ? 'is empty for' : 'tells of'} ${name}`, () => {
      expect(BASE).to.contain(from);
      expect(difference(read(BASE), read(BASE.replace(from, to)))).to.deep.equal(told);
    });

  it('tells of listed plugins that have changed places, once', () => {
    const [one, two] = ['[./x.ts, ./y.ts]', '[./y.ts, ./x.ts]'].map((list) =>
      read(BASE.replace(/plugins: .*/, `plugins: ${list}`)),
    );
    const paths = difference(one!, two!);
    expect(paths.map(({ path }) => path)).to.deep.equal(['plugins']);
    expect(paths[0]!.new).to.satisfy((list: string[]) => list.indexOf('/etc/y.ts') < list.indexOf('/etc/x.ts'));
  });

  it('tells of routes that have changed places', () => {
    const routes = (...paths: string[]) =>
      read(
        BASE.replace(
          'cluster: app',
          `routes: [${paths.map((path) => `{ match: { path: ${path} }, cluster: app }`).join(', ')}]`,
        ),
      );
    expect(difference(routes('/a', '/b', '/c'), routes('/b', '/a', '/c')).map(({ path }) => path)).to.deep.equal([
      'listeners.a.routes[0].match.path',
      'listeners.a.routes[1].match.path',
    ]);
  });
});

// Random configurations.

interface Route {
  cluster: string;
  path: string;
  response: number | undefined;
}
interface Model {
  service: string;
  drain: { delay: number; timeout: number; rate: number };
  listeners: { name: string; direction: 'inbound' | 'outbound'; head: number; peers: string[]; routes: Route[] }[];
  clusters: {
    name: string;
    policy: 'round-robin' | 'least-request';
    choices: number;
    total: number;
    ejected: number;
    endpoints: { port: number; weight: number; zone: string | undefined }[];
  }[];
  keepalive: number;
  tracing: { sampling: number; batch: number; token: string };
  listed: { use: string; header: string; onError: 'open' | 'closed' }[];
}

const ms = fc.oneof(
  fc.integer({ min: 0, max: 100 }).map((s) => s * 1_000),
  fc.nat(9_999),
  fc.constant(3_600_000),
);
const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/),
  fc.constantFrom('default', 'a.b', '__proto__', 'é x'),
);
const model: fc.Arbitrary<Model> = fc
  .record({
    service: fc.stringMatching(/^[a-z]{1,6}$/),
    drain: fc.record({ delay: fc.nat(1_000), timeout: ms.map((time) => time + 1_000), rate: fc.nat(500) }),
    clusters: fc.uniqueArray(
      fc.record({
        name,
        policy: fc.constantFrom('round-robin', 'least-request'),
        choices: fc.integer({ min: 1, max: 3 }),
        total: fc.oneof(ms, fc.constant(Number.POSITIVE_INFINITY)),
        ejected: fc.constantFrom(0, 0.1, 0.5, 1),
        endpoints: fc.uniqueArray(
          fc.record({
            port: fc.integer({ min: 1, max: 65_535 }),
            weight: fc.constantFrom(1, 1, 2, 256),
            zone: fc.constantFrom(undefined, 'a', 'b'),
          }),
          { selector: ({ port }) => port, maxLength: 4 },
        ),
      }),
      { selector: (cluster) => cluster.name, minLength: 1, maxLength: 3 },
    ),
    listeners: fc.uniqueArray(
      fc.record({
        name,
        direction: fc.constantFrom('inbound', 'outbound'),
        head: fc.constantFrom(10_000, 1_500, 60_000),
        peers: fc.uniqueArray(fc.constantFrom('10.0.0.0/8', 'fd00::/8', '192.168.0.0/16')),
        routes: fc.array(
          fc.record({
            cluster: fc.nat(2).map(String),
            path: fc.constantFrom('', '/', '=/x', '/y/z'),
            response: fc.option(ms, { nil: undefined }),
          }),
          { minLength: 1, maxLength: 3 },
        ),
      }),
      { selector: (listener) => listener.name, minLength: 1, maxLength: 3 },
    ),
    keepalive: fc.constantFrom(25_000, 1_000, 90_000),
    tracing: fc.record({
      sampling: fc.constantFrom(0.01, 0.5, 1),
      batch: fc.constantFrom(65_536, 1_000, 1_048_576),
      token: fc.stringMatching(/^[a-z]{1,9}$/),
    }),
    listed: fc.uniqueArray(
      fc.record({
        use: fc.constantFrom('./a.ts', './b.ts', './c.ts'),
        header: fc.constantFrom('x-tenant', 'x-other'),
        onError: fc.constantFrom('open', 'closed'),
      }),
      { selector: ({ use }) => use },
    ),
  })
  .map((made) => ({
    ...made,
    listeners: made.listeners.map((listener) => ({
      ...listener,
      routes: listener.routes.map((route) => ({
        ...route,
        cluster: made.clusters[Number(route.cluster) % made.clusters.length]!.name,
      })),
    })),
  })) as fc.Arbitrary<Model>;

/** One way to write a model, by `seed` (mulberry32). */
function spell(of: Model, seed: number): string {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const either = <A, B>(a: A, b: B): A | B => (random() < 0.5 ? a : b);
  const pick = <T>(...choices: T[]): T => choices[Math.floor(random() * choices.length)]!;
  const shuffle = <T>(items: T[]): T[] =>
    items
      .map((item): [number, T] => [random(), item])
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  const map = (entries: [string, unknown][]) => new Map(shuffle(entries.filter(([, value]) => value !== undefined)));
  const optional = <T>(value: T, byDefault: unknown): T | undefined =>
    value === byDefault ? either(value, undefined) : value;
  const duration = (time: number | undefined) => {
    if (time === undefined) return undefined;
    if (time === Number.POSITIVE_INFINITY) return 'off';
    return pick(`${time}ms`, `${time / 1_000}s`, ...(time % 60_000 === 0 ? [`${time / 60_000}m`] : []));
  };
  const size = (bytes: number) =>
    pick<unknown>(bytes, `${bytes}B`, ...(bytes % 1024 === 0 ? [`${bytes / 1024}KiB`] : []));
  const rate = (perSecond: number) => pick<unknown>(perSecond, `${perSecond}/s`, `${perSecond * 60}/m`);

  const route = ({ cluster, path, response }: Route) =>
    map([
      ['cluster', cluster],
      ['match', path === '' ? either({}, undefined) : { path }],
      ['timeouts', response === undefined ? either({}, undefined) : { response: duration(response) }],
    ]);
  const listener = (one: Model['listeners'][number]) => {
    const [only, ...others] = one.routes;
    const plain = only!.path === '' && only!.response === undefined && others.length === 0 && random() < 0.5;
    return map([
      ['protocol', 'http'],
      ['bind', '127.0.0.1:0'],
      ['direction', optional(one.direction, 'inbound')],
      ['trustedPeers', one.peers.length === 0 ? either([], undefined) : one.peers],
      [
        'timeouts',
        one.head === 10_000 ? either(map([['head', '10s']]), undefined) : map([['head', duration(one.head)]]),
      ],
      plain ? ['cluster', only!.cluster] : ['routes', one.routes.map(route)],
    ]);
  };
  const endpoint = ({ port, weight, zone }: Model['clusters'][number]['endpoints'][number]) =>
    weight === 1 && zone === undefined && random() < 0.5
      ? `app:${port}`
      : map([
          ['address', `app:${port}`],
          ['weight', optional(weight, 1)],
          ['zone', zone],
        ]);
  const balancer = ({ policy, choices }: Model['clusters'][number]) => {
    if (policy === 'round-robin') return pick<unknown>(undefined, policy, { policy });
    return choices === 2
      ? pick<unknown>(
          policy,
          { policy },
          map([
            ['choices', 2],
            ['policy', policy],
          ]),
        )
      : map([
          ['policy', policy],
          ['choices', choices],
        ]);
  };
  const cluster = (one: Model['clusters'][number]) =>
    map([
      ['endpoints', one.endpoints.map(endpoint)],
      ['balancer', balancer(one)],
      [
        'timeouts',
        one.total === Number.POSITIVE_INFINITY ? either({ total: 'off' }, undefined) : { total: duration(one.total) },
      ],
      ['outlier', one.ejected === 0.1 ? either({}, undefined) : { maxEjected: one.ejected }],
    ]);
  const keepalive = {
    websocket: map([
      ['interval', duration(of.keepalive)],
      ['timeout', either('10s', undefined)],
    ]),
  };
  const tracing = map([
    ['sampling', optional(of.tracing.sampling, 0.01)],
    ['maxBatch', size(of.tracing.batch)],
    ['token', of.tracing.token],
  ]);
  const builtIn = shuffle<unknown>([
    either({ keepalive }, { use: 'keepalive', settings: keepalive, onError: 'closed' }),
    either({ tracing }, { use: 'tracing', settings: tracing }),
  ]);
  const listed: unknown[] = of.listed.map(({ use, header: value, onError }) => {
    const short = onError === 'closed' && random() < 0.5;
    if (short)
      return value === 'x-tenant'
        ? pick<unknown>(use, { [use]: {} }, { [use]: { header: value } })
        : { [use]: { header: value } };
    return map([
      ['use', use],
      ['settings', optional(value, 'x-tenant') && { header: value }],
      ['onError', onError],
    ]);
  });
  // An entry of a built-in plugin may stand anywhere.
  for (const entry of builtIn) listed.splice(Math.floor(random() * (listed.length + 1)), 0, entry);
  const root = map([
    ['service', { name: of.service }],
    [
      'drain',
      map([
        ['delay', duration(of.drain.delay)],
        ['timeout', duration(of.drain.timeout)],
        ['rate', rate(of.drain.rate)],
      ]),
    ],
    ['listeners', map(of.listeners.map((one) => [one.name, listener(one)]))],
    ['clusters', map(of.clusters.map((one) => [one.name, cluster(one)]))],
    ['plugins', listed],
  ]);
  const style = either({ collectionStyle: 'flow' } as const, { indent: pick(2, 4) });
  return stringify(root, { ...style, lineWidth: 0 }).replaceAll(/\n(?=[a-z])/g, () =>
    either('\n', '\n# a comment\n\n'),
  );
}

/** A single change of a model, and the path that it has. */
const CHANGES: readonly ((of: Model, at: number) => string | undefined)[] = [
  (of) => {
    of.service += 'x';
    return 'service.name';
  },
  (of) => {
    of.drain.timeout++;
    return 'drain.timeout';
  },
  (of) => {
    of.drain.rate++;
    return 'drain.rate';
  },
  (of, at) => {
    const one = of.listeners[at % of.listeners.length]!;
    one.head++;
    return join('listeners', one.name, '.timeouts.head');
  },
  (of, at) => {
    const one = of.listeners[at % of.listeners.length]!;
    one.direction = one.direction === 'inbound' ? 'outbound' : 'inbound';
    return join('listeners', one.name, '.direction');
  },
  (of, at) => {
    const one = of.listeners[at % of.listeners.length]!;
    const index = at % one.routes.length;
    one.routes[index]!.path += '/other';
    if (one.routes.length > 1) one.routes[index]!.path = `/only/${at}`;
    return join('listeners', one.name, `.routes[${index}].match.path`);
  },
  (of, at) => {
    const one = of.listeners[at % of.listeners.length]!;
    one.routes.push({ cluster: of.clusters[0]!.name, path: `=/new/${at}`, response: undefined });
    return join('listeners', one.name, `.routes[${one.routes.length - 1}]`);
  },
  (of) => {
    of.listeners.push({ ...of.listeners[0]!, name: 'added-one' });
    return 'listeners.added-one';
  },
  (of, at) => {
    const one = of.clusters[at % of.clusters.length]!;
    one.total = one.total === Number.POSITIVE_INFINITY ? 1 : one.total + 1;
    return join('clusters', one.name, '.timeouts.total');
  },
  (of, at) => {
    const one = of.clusters[at % of.clusters.length]!;
    if (one.endpoints.length === 0) return undefined;
    const index = at % one.endpoints.length;
    one.endpoints[index]!.weight = 100;
    return join('clusters', one.name, `.endpoints[${index}].weight`);
  },
  (of, at) => {
    const one = of.clusters[at % of.clusters.length]!;
    if (one.endpoints.length === 0) return undefined;
    const index = at % one.endpoints.length;
    one.endpoints.splice(index, 1);
    return join('clusters', one.name, `.endpoints[${index}]`);
  },
  (of, at) => {
    const one = of.clusters[at % of.clusters.length]!;
    if (one.policy !== 'least-request') return undefined;
    one.choices++;
    return join('clusters', one.name, '.balancer.choices');
  },
  (of) => {
    of.keepalive++;
    return 'plugins.keepalive.settings.websocket.interval';
  },
  (of) => {
    of.tracing.token += 'x';
    return 'plugins.tracing.settings.token';
  },
  (of) => {
    of.tracing.batch++;
    return 'plugins.tracing.settings.maxBatch';
  },
  (of, at) => {
    const one = of.listed[at % of.listed.length];
    if (one === undefined) return undefined;
    one.header += 'x';
    return `plugins."/etc/${one.use.slice(2)}".settings.header`;
  },
  (of, at) => {
    const one = of.listed[at % of.listed.length];
    if (one === undefined) return undefined;
    one.onError = one.onError === 'open' ? 'closed' : 'open';
    return `plugins."/etc/${one.use.slice(2)}".onError`;
  },
  (of) => {
    if (of.listed.length < 2) return undefined;
    of.listed.reverse();
    return 'plugins';
  },
];

function join(map: string, key: string, rest: string): string {
  return `${map}.${/^[\w-]+$/.test(key) ? key : JSON.stringify(key)}${rest}`;
}

/** Tells the seed, so that a failure can be had again. */
function assertTold(property: fc.IProperty<unknown[]>, numRuns: number): void {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  process.stdout.write(`      SEED=${seed}\n`);
  fc.assert(property, { seed, numRuns });
}

describe('the difference of random configurations', () => {
  it('is empty for two spellings of one', () => {
    assertTold(
      fc.property(model, fc.nat(), fc.nat(), (of, one, other) => {
        expect(difference(read(spell(of, one)), read(spell(of, other)))).to.deep.equal([]);
      }) as fc.IProperty<unknown[]>,
      150,
    );
  });

  it('is the one path that was changed, however both are spelled', () => {
    let changed = 0;
    assertTold(
      fc.property(model, fc.nat(), fc.nat(), fc.nat(1_000), fc.nat(), (of, one, other, at, which) => {
        const copy = structuredClone(of);
        const path = CHANGES[which % CHANGES.length]!(copy, at);
        if (path === undefined) return;
        changed++;
        const [before, after] = [read(spell(of, one)), read(spell(copy, other))];
        expect(difference(before, after).map((told) => told.path)).to.deep.equal([path]);
        expect(difference(after, before).map((told) => told.path)).to.have.length(1);
      }) as fc.IProperty<unknown[]>,
      300,
    );
    expect(changed).to.be.greaterThan(100);
  });
});
