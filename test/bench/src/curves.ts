import { DescriptorBudget } from '@outrigger/core';
import type { Pair } from './measure.ts';
import { ROOT, sidecar, type Wiring } from './subjects.ts';
import type { Workload } from './workloads.ts';

/** What a sidecar of one size is, and what it is asked. */
interface Point {
  /** How many there are (1). */
  readonly listeners?: number;
  /** Without them all goes to `app`. */
  readonly routes?: readonly { readonly match: object; readonly cluster: string }[];
  /** By name; `port` is the upstream's. */
  readonly clusters: (port: number) => Readonly<Record<string, Cluster>>;
  readonly workload: Omit<Workload, 'name' | 'unit'>;
}

interface Cluster {
  readonly endpoints: readonly { readonly address: string; readonly weight?: number }[];
  readonly balancer?: string | object;
}

/** What a request costs beside how much there is of one thing. */
export interface Curve {
  /** `WHAT, WHICH`, or `WHAT` alone. */
  readonly name: string;
  readonly sizes: readonly number[];
  /** Left out of a quick run: sizes in between. */
  readonly between: readonly number[];
  readonly unit?: Workload['unit'];
  readonly point: (size: number) => Point;
}

/** Connections of the load where their number is not what is varied, and requests a second where they have a rate. */
const CONNECTIONS = 32;
const RATE = 2_000;
const MANY = [1, 10, 100, 1_000, 10_000];
const BETWEEN = [10, 1_000];
/** Upstreams that open connections are spread over: fewer than 300 go to each, so that idle ones find room in its pool. */
const SPREAD = 64;

const TO_ALL = (count: number) => each(count, (i) => `app.example /128/${i}`);
const asked = (requests: readonly string[], connections = CONNECTIONS, rate = 0): Point['workload'] => ({
  mode: 'requests',
  args: [connections, rate],
  requests,
});

interface RouteWithRequest {
  readonly match: object;
  /** `app`, where it is missing. */
  readonly cluster?: string;
  readonly request: string;
}

function routesCurve(name: string, route: (i: number) => RouteWithRequest): Curve {
  return {
    name: `routes, ${name}`,
    sizes: MANY,
    between: BETWEEN,
    point: (size) => {
      const all = each(size, route);
      return {
        routes: all.map(({ match, cluster = 'app' }) => ({ match, cluster })),
        clusters: (port) =>
          Object.fromEntries(all.map(({ cluster = 'app' }, i) => [cluster, { endpoints: [loopback(i, port)] }])),
        // Until every cluster has a connection in its pool.
        workload: { ...asked(all.map(({ request }) => request)), warmUpUnits: size },
      };
    },
  };
}

function endpointsCurve(name: string, balancer: string | object, weightOf: (i: number) => number = () => 1): Curve {
  return {
    name: `endpoints, ${name}`,
    sizes: MANY,
    between: BETWEEN,
    point: (size) => ({
      clusters: (port) => ({
        app: { balancer, endpoints: each(size, (i) => ({ address: loopback(i, port).address, weight: weightOf(i) })) },
      }),
      // Until every endpoint has a connection in its pool: drawn at random, 99 of 100 have one then.
      workload: { ...asked(TO_ALL(10_000)), warmUpUnits: 5 * size },
    }),
  };
}

function connectionsCurve(name: string, workload: (size: number) => Point['workload'], unit: Workload['unit']): Curve {
  return {
    name: `connections, ${name}`,
    sizes: connectionSizes(new DescriptorBudget()),
    between: [100],
    unit,
    point: (size) => ({
      clusters: (port) => ({ app: { endpoints: each(SPREAD, (i) => loopback(i, port)) } }),
      workload: workload(size),
    }),
  };
}

export const CURVES: readonly Curve[] = [
  routesCurve('by host and path', routeWithRequest),
  routesCurve('by header', (i) => ({
    match: { path: '/128', headers: { 'x-tenant': String(i) } },
    request: `app.example /128 x-tenant:${i}`,
  })),
  routesCurve('to clusters of their own', (i) => ({
    match: { host: `a${i}.example` },
    cluster: `app-${i}`,
    request: `a${i}.example /128`,
  })),
  endpointsCurve('round-robin', 'round-robin'),
  endpointsCurve('round-robin by weight', 'round-robin', (i) => 1 + (i % 5)),
  endpointsCurve('least-request', 'least-request'),
  endpointsCurve('least-connections', 'least-connections'),
  endpointsCurve('ring-hash', { policy: 'ring-hash', hash: { path: true } }),
  endpointsCurve('maglev', { policy: 'maglev', hash: { path: true } }),
  {
    name: 'listeners',
    sizes: [1, 10, 100],
    between: [],
    // A connection to each at least, and as many with one listener.
    point: (size) => ({
      listeners: size,
      clusters: (port) => ({ app: { endpoints: [loopback(0, port)] } }),
      workload: asked(TO_ALL(1), 100),
    }),
  },
  connectionsCurve('all busy', (size) => asked(TO_ALL(1), size), 'request'),
  connectionsCurve(`${RATE.toLocaleString('en')} requests/s`, (size) => asked(TO_ALL(1), size, RATE), 'request'),
  connectionsCurve(
    `${RATE.toLocaleString('en')} WebSocket messages/s`,
    (size) => ({ mode: 'ws', args: [size, RATE, 64] }),
    'message',
  ),
];

/** Sidecars of every size, and what each is asked. */
export function pairs({ name, sizes, between, unit = 'request', point }: Curve, quick: boolean): Pair[] {
  return sizes
    .filter((size) => !quick || !between.includes(size))
    .map((size) => {
      const { listeners = 1, workload, ...wanted } = point(size);
      const text = (wiring: Wiring) => JSON.stringify(configuration(wiring, wanted));
      return {
        subject: sidecar(ROOT, size.toLocaleString('en'), text, { listeners, size }),
        workload: { name, unit, ...workload },
      };
    });
}

/**
 * How many connections there are: tenfold each time, to 20,000, and where the limit of open files is in the way the last
 * hundred that fits. The sidecar accepts half of what it may open, less a reserve; a few are for those who knock at its port.
 */
export function connectionSizes({ limit, reserve }: Pick<DescriptorBudget, 'limit' | 'reserve'>): number[] {
  const fit = Math.floor(((limit - reserve) / 2 - 10) / 100) * 100;
  const sizes = [10, 100, 1_000, 10_000, 20_000];
  const fitting = sizes.filter((size) => size <= fit);
  return fitting.length === sizes.length || fitting.includes(fit) ? fitting : [...fitting, fit];
}

function configuration({ ports, upstreamPort, collectorPort }: Wiring, point: Omit<Point, 'listeners' | 'workload'>) {
  const { routes, clusters } = point;
  // Nothing is closed for being idle while others have their turn: what it costs to connect is not asked here.
  const timeouts = { idle: '1h' };
  const listener = (port: number) => ({
    protocol: 'http',
    bind: `127.0.0.1:${port}`,
    timeouts,
    ...(routes === undefined ? { cluster: 'app' } : { routes }),
  });
  return {
    admin: false,
    listeners: Object.fromEntries(ports.map((port, i) => [`in-${i}`, listener(port)])),
    clusters: Object.fromEntries(
      Object.entries(clusters(upstreamPort)).map(([name, cluster]) => [name, { ...cluster, timeouts }]),
    ),
    plugins: [{ tracing: { endpoint: `http://127.0.0.1:${collectorPort}` } }],
  };
}

/** One of the addresses of the upstream, which listens on all of 127.0.0.0/8. */
function loopback(i: number, port: number): { readonly address: string } {
  return { address: `127.1.${Math.floor(i / 250)}.${1 + (i % 250)}:${port}` };
}

function each<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** The kinds of routes in turn, each with a request for it. The upstream answers as many bytes as the path begins with. */
function routeWithRequest(i: number): RouteWithRequest {
  const kinds = [
    { match: { host: `a${i}.example` }, request: `a${i}.example /128/x` },
    { match: { path: `=/128-${i}/exact` }, request: `app.example /128-${i}/exact` },
    { match: { path: `/128-${i}` }, request: `app.example /128-${i}/below/it` },
    { match: { host: `*.b${i}.example` }, request: `one.b${i}.example /128/x` },
    { match: { host: `c${i % 10}.example`, path: `/128-${i}` }, request: `c${i % 10}.example /128-${i}/below/it` },
  ];
  return kinds[i % kinds.length]!;
}
