import { definePlugin, type Plugin, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { frame } from '../../../test/support/frames.ts';
import { endPrograms, sidecarOn } from '../../../test/support/program.ts';
import { exchange } from '../../../test/support/raw-client.ts';
import { Scratch, shortest } from '../../../test/support/scratch.ts';
import { configurationOf, type SidecarOptions, startSidecar, type TestSidecar } from '../../../test/support/sidecar.ts';
import { httpUpstream, type Upstream } from '../../../test/support/upstreams.ts';
import { eventually } from '../../../test/support/virtual-time.ts';
import { WebSocketPair } from '../../../test/support/websocket-pair.ts';
import { isFailure } from '../src/failure.ts';
import metrics from '../src/index.ts';
import { quantile } from '../src/quantile.ts';
import { POINTS, Track } from '../src/track.ts';

interface Series {
  readonly perSecond: number[];
  readonly failedPerSecond: number[];
  readonly successRatio: (number | null)[];
  readonly p99Seconds: (number | null)[];
  readonly open: number[];
}
interface Row {
  readonly requests: Readonly<
    Record<'perSecond' | 'successRatio' | 'p50Seconds' | 'p95Seconds' | 'p99Seconds', number | null>
  >;
  readonly webSockets: {
    readonly open: number;
    readonly openedPerSecond: number;
    readonly messagesPerSecond?: { readonly received: number; readonly sent: number };
  };
  readonly series: Series;
}
interface Overview {
  readonly at: string;
  readonly windowSeconds: number;
  readonly pointSeconds: number;
  readonly points: string[];
  readonly total: Row;
  readonly listeners: Record<string, Row>;
  readonly clusters: Record<string, Row & { readonly endpoints: Record<string, Row> }>;
}

const measuring: Plugin = definePlugin({ name: 'metrics', bind: (bind) => metrics.bind(bind, { sessions: true }) });

async function overview({ runtime }: TestSidecar, query = ''): Promise<Overview> {
  const route = runtime.composition.adminRoutes.find(({ path }) => path === '/overview')!;
  const { signal } = new AbortController();
  const asked = {
    method: 'GET',
    path: '/overview',
    query: new URLSearchParams(query),
    accept: '',
    body: '',
    headers: {},
    signal,
  };
  const { body } = await route.serve(asked);
  return JSON.parse(JSON.stringify(body)) as Overview;
}

describe('/overview', () => {
  let upstream: Upstream;
  let sidecar: TestSidecar;
  let clock: VirtualClock;
  before(async () => {
    upstream = await httpUpstream((request, response) => {
      response.statusCode = Number(request.headers['x-status'] ?? 200);
      response.end('good');
    });
  });
  after(() => upstream.stop());
  beforeEach(() => {
    clock = new VirtualClock();
  });
  afterEach(() => sidecar?.stop());

  const options = (more: Partial<SidecarOptions> = {}): SidecarOptions => ({
    endpoints: [upstream.address],
    plugins: [measuring],
    clock,
    ...more,
  });
  const ask = async (count: number, status = 200) => {
    for (let i = 0; i < count; i++)
      await exchange(sidecar.port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx-status: ${status}\r\n\r\n`);
    await sidecar.runtime.sessions.none();
  };
  /** The clock's timers come up to two ticks late: a test counts points, not seconds. */
  const points = async (count: number) => {
    const { at } = await overview(sidecar);
    for (let i = 0, last = at; i < count; ) {
      clock.advance(100);
      const now = (await overview(sidecar)).at;
      if (now !== last) i++;
      last = now;
    }
  };

  it('has nothing to tell before its first point', async () => {
    sidecar = await startSidecar(options());
    await ask(1);
    const { total, listeners, clusters, ...rest } = await overview(sidecar);
    expect(rest).to.deep.equal({
      at: new Date(0).toISOString(),
      windowSeconds: 60,
      pointSeconds: 5,
      seriesSeconds: 0,
      points: [],
    });
    expect(total.requests).to.deep.equal({
      perSecond: 0,
      successRatio: null,
      p50Seconds: null,
      p95Seconds: null,
      p99Seconds: null,
    });
    expect(listeners).to.deep.equal({ inbound: total });
    const { endpoints, ...cluster } = clusters['app']!;
    expect(endpoints).to.deep.equal({ [upstream.address]: cluster });
  });

  it('tells rates, shares and percentiles of what has passed, by listener, cluster and endpoint', async () => {
    sidecar = await startSidecar(options());
    await ask(6);
    await ask(2, 503);
    await ask(2, 404);
    await points(1);
    const { total, listeners, clusters, points: times, at } = await overview(sidecar);
    expect(times).to.deep.equal([at]);
    expect(total).to.deep.equal(listeners['inbound']);
    const cluster = clusters['app']!;
    const endpoint = cluster.endpoints[upstream.address]!;
    for (const row of [total, cluster, endpoint]) {
      expect(row.requests['perSecond']).to.be.closeTo(2, 0.1);
      expect(row.requests['successRatio']).to.equal(0.8);
      // All within the first bucket: virtual time stands still meanwhile.
      expect(row.requests['p50Seconds']).to.equal(0.0025);
      expect(row.requests['p99Seconds']).to.be.closeTo(0.00495, 1e-9);
      expect(row.series.perSecond[0]).to.equal(row.requests['perSecond']);
      expect(row.series.failedPerSecond[0]).to.be.closeTo(0.4, 0.02);
      expect(row.series.successRatio).to.deep.equal([0.8]);
      expect(row.series.p99Seconds).to.deep.equal([row.requests['p99Seconds']]);
    }
    const { endpoints: _, ...same } = cluster;
    expect(endpoint).to.deep.equal(same);
    const without = (await overview(sidecar, 'series=0')).clusters['app']!.endpoints[upstream.address]!;
    expect(without.requests).to.deep.equal(endpoint.requests);
    expect(without.series.perSecond).to.deep.equal([]);
    await points(12);
    const later = await overview(sidecar);
    expect(later.points).to.have.length(13);
    expect(later.total.requests).to.deep.include({ perSecond: 0, successRatio: null, p99Seconds: null });
    expect(later.total.series.perSecond[0]).to.equal(total.series.perSecond[0]);
    expect(later.total.series.p99Seconds.slice(1)).to.deep.equal(new Array(12).fill(null));
    await points(60);
    const last = await overview(sidecar);
    expect(last.points).to.have.length(60);
    expect(last.total.series.perSecond).to.deep.equal(new Array(60).fill(0));
  });

  it('counts what fails at an endpoint', async () => {
    sidecar = await startSidecar(options({ endpoints: ['127.0.0.1:1'] }));
    await ask(5);
    await points(1);
    const { total, clusters } = await overview(sidecar);
    expect(total.requests['successRatio']).to.equal(0);
    const { endpoints, requests } = clusters['app']!;
    expect(requests['successRatio']).to.equal(0);
    const endpoint = endpoints['127.0.0.1:1']!;
    expect(endpoint.requests['successRatio']).to.equal(0);
    expect(endpoint.series.failedPerSecond).to.deep.equal([endpoint.requests['perSecond']]);
    expect(endpoint.series.failedPerSecond[0]).to.be.above(0.9);
  });

  it('keeps nothing of an endpoint that was not used for as long as the points go back, and begins anew', async () => {
    sidecar = await startSidecar(options());
    const [endpoint] = [...sidecar.runtime.clusterStates()][0]!.endpoints;
    expect(endpoint!.attemptCounts).to.equal(undefined);
    await ask(3);
    await points(POINTS);
    const told = async () => (await overview(sidecar)).clusters['app']!.endpoints[upstream.address]!;
    expect((await told()).series.perSecond).to.have.length(POINTS);
    expect((await told()).series.perSecond[0]).to.be.closeTo(0.6, 0.02);
    expect(endpoint!.attemptCounts).to.not.equal(undefined);
    await points(1);
    expect(endpoint!.attemptCounts).to.equal(undefined);
    expect((await told()).series.perSecond).to.deep.equal([]);
    await ask(2);
    await points(1);
    expect((await told()).series.perSecond.at(-1)).to.be.closeTo(0.4, 0.02);
  });

  it('counts nothing by endpoint where sessions are not measured', async () => {
    const plugin = definePlugin({ name: 'metrics', bind: (bind) => metrics.bind(bind, { sessions: false }) });
    sidecar = await startSidecar(options({ plugins: [plugin] }));
    await ask(1);
    expect([...sidecar.runtime.clusterStates()][0]!.endpoints[0]!.attemptCounts).to.equal(undefined);
  });

  it('forgets listeners and clusters that a reload has taken away, and endpoints that have left', async () => {
    sidecar = await startSidecar(options());
    await ask(5);
    await points(1);
    const configuration = configurationOf(options({ endpoints: ['127.0.0.1:1'] }));
    const named = <T extends object>(one: T, name: string): T => ({ ...one, name });
    const [listener] = configuration.listeners;
    await sidecar.runtime.reload(
      {
        ...configuration,
        listeners: [
          {
            ...named(listener!, 'other'),
            routes: listener!.routes.map((route) => ({ ...route, cluster: 'else' })),
          },
        ],
        clusters: configuration.clusters.map((cluster) => named(cluster, 'else')),
      },
      sidecar.runtime.composition.plugins as never,
    );
    await eventually(() => sidecar.runtime.listeners.get('inbound') === undefined);
    const { listeners, clusters } = await overview(sidecar);
    expect(Object.keys(listeners)).to.deep.equal(['other']);
    expect(Object.keys(clusters)).to.deep.equal(['else']);
    expect(Object.keys(clusters['else']!.endpoints)).to.deep.equal(['127.0.0.1:1']);
    expect(clusters['else']!.requests['successRatio']).to.equal(null);
  });

  it('tells of WebSockets that are open, and of their messages while they are', async () => {
    const pair = new WebSocketPair(clock);
    await pair.open({}, { plugins: [measuring] });
    sidecar = pair.sidecar;
    pair.send('downstream', frame(1, 'hello', { masked: true }));
    pair.send('upstream', frame(1, 'a'));
    pair.send('upstream', frame(1, 'b'));
    await eventually(() => pair.session.messagesReceived === 1 && pair.session.messagesSent === 2);
    await points(1);
    const rates = () => {
      const [details] = sidecar.runtime.adminDetails.flatMap((plugin) => plugin.session?.(pair.session) ?? []);
      return (details as { messagesPerSecond: object }).messagesPerSecond;
    };
    const open = await overview(sidecar);
    const endpointOf = ({ clusters }: Overview) => Object.values(clusters['app']!.endpoints)[0]!;
    for (const row of [open.total, open.listeners['inbound']!, open.clusters['app']!, endpointOf(open)]) {
      expect(row.webSockets.open).to.equal(1);
      expect(row.webSockets.openedPerSecond).to.be.closeTo(0.2, 0.01);
      expect(row.series.open).to.deep.equal([1]);
    }
    expect(open.total.webSockets.messagesPerSecond!.received).to.be.closeTo(0.2, 0.01);
    expect(open.total.webSockets.messagesPerSecond!.sent).to.be.closeTo(0.4, 0.02);
    expect(open.clusters['app']!.webSockets).to.not.have.property('messagesPerSecond');
    expect(rates()).to.deep.equal(open.total.webSockets.messagesPerSecond);
    await points(1);
    expect(rates()).to.deep.equal({ received: 0, sent: 0 });
    pair.client.destroy();
    await eventually(() => sidecar.runtime.sessions.size === 0);
    await points(1);
    const closed = await overview(sidecar);
    expect(closed.total.series.open).to.deep.equal([1, 1, 0]);
    expect(endpointOf(closed).series.open).to.deep.equal([1, 1, 0]);
    expect(endpointOf(closed).series.successRatio).to.deep.equal([1, null, null]);
    expect(closed.total.webSockets.open).to.equal(0);
    await pair.close();
  });
});

describe('/overview of the program', () => {
  it('tells of real traffic in real time', async function () {
    this.timeout(20_000);
    const scratch = new Scratch();
    const upstream = await httpUpstream((_request, response) => response.end('good'));
    const program = sidecarOn(scratch.write('o.yaml', shortest([upstream.address])));
    const port = await program.port();
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    let asked = 0;
    let told: Overview;
    do {
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).to.equal(200);
      asked++;
      told = (await (await fetch(`http://${admin}/overview`)).json()) as Overview;
    } while (told.points.length === 0);
    const [cluster] = Object.values(told.clusters);
    for (const row of [told.total, cluster!]) {
      expect(row.requests['successRatio']).to.equal(1);
      expect(row.requests['perSecond']).to.be.within(asked / 6, asked / 4);
      expect(row.requests['p99Seconds']).to.be.within(1e-6, 1);
    }
    expect(Object.keys(cluster!.endpoints)).to.deep.equal([upstream.address]);
    await endPrograms();
    await upstream.stop();
    scratch.remove();
  });
});

describe('the figures of /overview', () => {
  const over = (track: Track, places: readonly number[]) => {
    const sum = new Float64Array(track.now.length);
    for (const place of places) track.addTo(sum, place);
    return [...sum];
  };

  it('interpolate percentiles within buckets, as histogram_quantile does', () => {
    const bounds = [0.1, 0.2, 0.4];
    expect(quantile(0.5, [0, 0, 0, 0], bounds)).to.equal(null);
    expect(quantile(0.5, [10, 0, 0, 0], bounds)).to.equal(0.05);
    expect(quantile(0.75, [0, 10, 10, 0], bounds)).to.be.closeTo(0.3, 1e-12);
    expect(quantile(0.5, [10, 0, 10, 0], bounds)).to.equal(0.1);
    expect(quantile(0.99, [1, 0, 0, 9], bounds)).to.equal(0.4);
    expect(quantile(1, [0, 4, 0, 0], bounds)).to.equal(0.2);
  });

  it('take a counter that became smaller for one that has begun anew', () => {
    const track = new Track([0]);
    const take = (value: number, place: number) => {
      track.now[0] = value;
      track.take(place);
      return over(track, [place])[0];
    };
    expect([take(5, 0), take(7, 1), take(3, 2), take(3, 3)]).to.deep.equal([5, 2, 3, 0]);
    expect(over(track, [0, 1, 2, 3])[0]).to.equal(10);
    expect(take(9, POINTS - 1)).to.equal(6);
  });

  it('take as much room for a number as it needs, and lose none', () => {
    const track = new Track([0, 0]);
    const grown = [255, 256, 65_536, 2 ** 32];
    for (const [place, size] of grown.entries()) {
      track.now[1]! += size;
      track.open = size;
      track.take(place);
    }
    const places = [...grown.keys()];
    expect(places.map((place) => over(track, [place]))).to.deep.equal(grown.map((size) => [0, size]));
    expect(places.map((place) => track.openAt(place))).to.deep.equal(grown);
    expect(over(track, places)).to.deep.equal([0, 255 + 256 + 65_536 + 2 ** 32]);
  });

  it('take for a failure what is the fault of the endpoint or of the sidecar', () => {
    const cases: [status: string, error: string, failed: boolean][] = [
      ['200', '', false],
      ['101', '', false],
      ['404', '404', false],
      ['503', '503', true],
      ['502', 'connect-refused', true],
      ['200', 'upstream-aborted', true],
      ['200', 'downstream-closed', false],
      ['', 'downstream-reset', false],
      ['', 'connect-timeout', true],
      ['200', 'plugin:mine', true],
      ['other', 'other', false],
    ];
    for (const [status, error, failed] of cases)
      expect(isFailure(status, error), `${status} ${error}`).to.equal(failed);
  });
});
