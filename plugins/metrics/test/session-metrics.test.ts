import { spawnSync } from 'node:child_process';
import {
  type ComposedPlugin,
  definePlugin,
  type Plugin,
  recordedTrace,
  reject,
  type Session,
  VirtualClock,
} from '@outrigger/core';
import { expect } from 'chai';
import { frame } from '../../../test/support/frames.ts';
import { itWith, promtool } from '../../../test/support/peers.ts';
import { sidecarOn } from '../../../test/support/program.ts';
import { exchange, RawClient } from '../../../test/support/raw-client.ts';
import { scratchForPrograms, shortest } from '../../../test/support/scratch.ts';
import { configurationOf, type SidecarOptions, startSidecar, type TestSidecar } from '../../../test/support/sidecar.ts';
import { filesBelow, read } from '../../../test/support/tree.ts';
import { httpUpstream, type Upstream } from '../../../test/support/upstreams.ts';
import { eventually } from '../../../test/support/virtual-time.ts';
import { WebSocketPair } from '../../../test/support/websocket-pair.ts';
import metrics from '../src/index.ts';

const withSessions = (sessions: boolean): Plugin =>
  definePlugin({ name: 'metrics', bind: (bind) => metrics.bind(bind, { sessions }) });
const request = (head: string, more = '') => `${head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`;

/** What `/metrics` answers. */
async function scraped({ runtime }: TestSidecar, accept = ''): Promise<string> {
  const route = runtime.composition.adminRoutes.find(({ path }) => path === '/metrics')!;
  const query = new URLSearchParams();
  const rest = { query, accept, body: '', headers: {}, signal: AbortSignal.any([]) };
  return (await route.serve({ method: 'GET', path: '/metrics', ...rest })).body as string;
}
/** The value of a series, by its name and what its labels contain, in this order. */
function sampleOf(text: string, name: string, ...labels: readonly string[]): number | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
  const found = lines.filter((line) => labels.every((label) => line.includes(label)));
  expect(found.length, `${name} ${labels.join()}`).to.be.at.most(1);
  return found[0] === undefined ? undefined : Number(/ (\S+)$/.exec(found[0])![1]);
}

describe('the metrics of sessions', () => {
  let upstream: Upstream;
  let sidecar: TestSidecar;
  before(async () => {
    upstream = await httpUpstream((request, response) => {
      response.statusCode = Number(request.headers['x-status'] ?? 200);
      response.end('good');
    });
  });
  afterEach(() => sidecar?.stop());
  after(() => upstream.stop());

  const start = async (options: Partial<SidecarOptions> = {}, sessions = true) => {
    sidecar = await startSidecar({ endpoints: [upstream.address], plugins: [withSessions(sessions)], ...options });
    return sidecar;
  };
  const server = 'http_server_request_duration_seconds_count';
  const client = 'http_client_request_duration_seconds_count';

  it('tell the duration of each request by route, method, status and error', async () => {
    const before = upstream.connections;
    const { port } = await start({ route: { match: { path: '/' } } });
    for (let i = 0; i < 3; i++) await exchange(port, request('GET /a'));
    await exchange(port, request('POST /a', 'content-length: 0\r\n'));
    await exchange(port, request('BREW /a', 'content-length: 0\r\n'));
    await exchange(port, request('GET /a', 'x-status: 404\r\n'));
    await exchange(port, request('GET /a', 'x-status: 500\r\n'));
    await exchange(port, 'GET /a HTTP/1.0\r\nHost: a\r\n\r\n');
    const text = await scraped(sidecar);
    const common =
      'listener="inbound",route="inbound[0]",http_route="/*",url_scheme="http",http_request_method="GET",network_protocol_version="1.1",';
    expect(sampleOf(text, server, `{${common}http_response_status_code="200",error_type=""}`)).to.equal(3);
    expect(sampleOf(text, server, `{${common}http_response_status_code="404",error_type=""}`)).to.equal(1);
    expect(sampleOf(text, server, `{${common}http_response_status_code="500",error_type="500"}`)).to.equal(1);
    expect(sampleOf(text, server, 'http_request_method="POST"')).to.equal(1);
    expect(sampleOf(text, server, 'http_request_method="_OTHER"')).to.equal(1);
    expect(sampleOf(text, server, 'network_protocol_version="1.0"')).to.equal(1);
    expect(sampleOf(text, client, 'cluster="app"', 'method="GET"', 'code="200"', 'error_type=""')).to.equal(4);
    expect(sampleOf(text, client, 'cluster="app"', 'code="404"', 'error_type="404"')).to.equal(1);
    expect(sampleOf(text, 'outrigger_endpoint_picks_total', `endpoint="${upstream.address}"`)).to.equal(8);
    expect(sampleOf(text, 'outrigger_endpoint_failures_total', `endpoint="${upstream.address}"`)).to.equal(0);
    expect(sampleOf(text, 'outrigger_endpoint_server_errors_total', `endpoint="${upstream.address}"`)).to.equal(1);
    const connections = (how: string) =>
      sampleOf(text, 'outrigger_attempt_connections_total', 'cluster="app"', `connection="${how}"`);
    const opened = upstream.connections - before;
    expect(opened).to.be.within(1, 7);
    expect([connections('opened'), connections('reused')]).to.deep.equal([opened, 8 - opened]);
    expect(sampleOf(text, 'outrigger_endpoint_weight', 'cluster="app"')).to.equal(1);
    expect(sampleOf(text, 'outrigger_endpoint_idle_connections', 'cluster="app"')).to.equal(1);
    expect(sampleOf(text, 'outrigger_session_bytes_total', 'kind="http",direction="received"')).to.be.above(8 * 30);
  });

  it('tell why requests failed, and what refused them', async () => {
    await start({ endpoints: ['127.0.0.1:1'] });
    await exchange(sidecar.port, request('GET /'));
    let text = await scraped(sidecar);
    expect(sampleOf(text, server, 'code="502"', 'error_type="connect-refused"')).to.equal(1);
    expect(sampleOf(text, client, 'code=""', 'error_type="connect-refused"')).to.be.at.least(1);
    expect(sampleOf(text, 'outrigger_endpoint_failures_total', 'endpoint="127.0.0.1:1"')).to.be.at.least(1);
    await sidecar.stop();
    await start({ hooks: { onRequest: () => reject(403, 'no') } });
    await exchange(sidecar.port, request('GET /'));
    text = await scraped(sidecar);
    expect(sampleOf(text, server, 'route=""', 'code="403"', 'error_type=""')).to.equal(1);
  });

  it('count what is under way while it is, and nothing of it afterwards', async () => {
    const held = Promise.withResolvers<void>();
    let session: Session | undefined;
    await start({
      hooks: {
        onRequest: (one) => {
          session = one;
          return held.promise;
        },
      },
    });
    const answered = exchange(sidecar.port, request('PUT /', 'content-length: 0\r\n'));
    await eventually(() => session !== undefined);
    expect(sampleOf(await scraped(sidecar), 'http_server_active_requests', 'method="PUT"')).to.equal(1);
    held.resolve();
    await answered;
    expect(sampleOf(await scraped(sidecar), 'http_server_active_requests', 'method="PUT"')).to.equal(undefined);
  });

  it('end the duration of a WebSocket at its 101, and count what it carries while it is open', async () => {
    const clock = new VirtualClock();
    const pair = new WebSocketPair(clock);
    await pair.open({}, { plugins: [withSessions(true)] });
    pair.send('downstream', frame(1, 'hello', { masked: true }));
    pair.send('upstream', frame(1, 'a'));
    pair.send('upstream', frame(1, 'b'));
    await eventually(() => pair.session.messagesReceived === 1 && pair.session.messagesSent === 2);
    for (let passed = 0; passed < 20_000; passed += 100) clock.advance(100);
    const carried = (text: string) => [
      sampleOf(text, 'outrigger_websocket_messages_total', 'direction="received",opcode="text"'),
      sampleOf(text, 'outrigger_websocket_messages_total', 'direction="sent",opcode="text"'),
      sampleOf(text, 'outrigger_websocket_sessions_open', 'cluster="app"'),
    ];
    const open = await scraped(pair.sidecar);
    expect(carried(open)).to.deep.equal([1, 2, 1]);
    expect(sampleOf(open, server, 'code="101"')).to.equal(1);
    expect(sampleOf(open, 'http_server_request_duration_seconds_sum', 'code="101"')).to.be.below(5);
    pair.send('downstream', frame(8, Buffer.from([0x0f, 0xa5]), { masked: true }));
    await eventually(() => pair.at('upstream').length > 15);
    pair.send('upstream', frame(8, Buffer.from([3, 232])));
    await eventually(() => pair.books.outcomes.length === 1);
    const text = await scraped(pair.sidecar);
    expect(carried(text)).to.deep.equal([1, 2, undefined]);
    expect(sampleOf(text, server, 'code="101"')).to.equal(1);
    const lasted = 'outrigger_websocket_session_duration_seconds';
    expect(sampleOf(text, `${lasted}_bucket`, 'le="10"')).to.equal(0);
    expect(sampleOf(text, `${lasted}_bucket`, 'le="30"')).to.equal(1);
    const codes = 'outrigger_websocket_close_codes_total';
    expect(sampleOf(text, codes, 'side="downstream",by="peer",code="4xxx"')).to.equal(1);
    expect(sampleOf(text, codes, 'side="upstream",by="sidecar",code="4xxx"')).to.equal(1);
    await pair.close();
  });

  for (const plane of ['frames', 'messages'] as const) {
    it(`count messages and control frames by opcode, and sizes, while a WebSocket is open on the ${plane} plane`, async () => {
      const pair = new WebSocketPair();
      const hooks = plane === 'messages' ? { onMessage: () => undefined } : {};
      await pair.open(hooks, { plugins: [withSessions(true)], listener: { websocket: { plane } } });
      pair.send('downstream', frame(2, Buffer.alloc(300), { masked: true }));
      pair.send('downstream', frame(1, 'hel', { masked: true, fin: false }));
      pair.send('downstream', frame(0, 'lo', { masked: true }));
      pair.send('downstream', frame(9, 'x', { masked: true }));
      pair.send('upstream', frame(10, 'xyz'));
      pair.send('upstream', frame(1, Buffer.alloc(64, 'a')));
      await eventually(() => pair.at('downstream').length >= 5 + 66 && pair.session.messagesReceived === 2);
      await eventually(() => pair.at('upstream').length > 300);
      const text = await scraped(pair.sidecar);
      const of = (direction: string, opcode: string) =>
        ['outrigger_websocket_messages_total', 'outrigger_websocket_message_bytes_total'].map((name) =>
          sampleOf(text, name, `{listener="inbound",route="inbound[0]",direction="${direction}",opcode="${opcode}"}`),
        );
      expect(of('received', 'binary')).to.deep.equal([1, 300]);
      expect(of('received', 'text')).to.deep.equal([1, 5]);
      expect(of('received', 'ping')).to.deep.equal([1, 1]);
      expect(of('received', 'pong')).to.deep.equal([0, 0]);
      expect(of('sent', 'text')).to.deep.equal([1, 64]);
      expect(of('sent', 'pong')).to.deep.equal([1, 3]);
      const sizes = 'outrigger_websocket_message_size_bytes';
      const received = 'direction="received"';
      expect(sampleOf(text, `${sizes}_bucket`, received, 'le="64"')).to.equal(1);
      expect(sampleOf(text, `${sizes}_bucket`, received, 'le="256"')).to.equal(1);
      expect(sampleOf(text, `${sizes}_bucket`, received, 'le="1024"')).to.equal(2);
      expect(sampleOf(text, `${sizes}_sum`, received)).to.equal(305);
      expect(sampleOf(text, `${sizes}_count`, 'direction="sent"')).to.equal(1);
      await pair.close();
    });
  }

  it('count handshakes that come to nothing', async () => {
    await start();
    const key = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const webSocket = await RawClient.connect(sidecar.port);
    webSocket.send(`GET / HTTP/1.1\r\nHost: a\r\n${key}Sec-WebSocket-Version: 13\r\nx-status: 403\r\n\r\n`);
    await webSocket.until((text) => text.endsWith('good'));
    webSocket.destroy();
    await sidecar.runtime.sessions.none();
    const failed = sampleOf(await scraped(sidecar), 'outrigger_websocket_handshakes_failed_total', 'status="403"');
    expect(failed).to.equal(1);
  });

  it('have the trace of a recorded session beside its duration, where OpenMetrics is accepted', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    await start({ hooks: { onRequest: (session) => session.setState(recordedTrace, trace) } });
    await exchange(sidecar.port, request('GET /'));
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3';
    const text = await scraped(sidecar, accept);
    const line = new RegExp(
      `^http_server_request_duration_seconds_bucket{.*} 1 # {trace_id="${trace}"} [0-9.e-]+ \\d+\\.\\d{3}$`,
      'm',
    );
    expect(text)
      .to.match(line)
      .and.to.match(/# EOF\n$/);
    expect(text).to.include('# TYPE outrigger_session_bytes counter\n').and.to.include('le="1.0"');
    expect(await scraped(sidecar, 'text/plain')).to.not.include('trace_id');
  });

  it('go with the listener, the cluster and the endpoint that they are of', async () => {
    await start();
    await exchange(sidecar.port, request('GET /'));
    const before = await scraped(sidecar);
    expect(before).to.include('listener="inbound"').and.to.include('cluster="app"');
    const { listeners, clusters, ...rest } = configurationOf({ endpoints: ['127.0.0.1:1'] });
    await sidecar.runtime.reload(
      {
        ...rest,
        listeners: listeners.map((one) => ({
          ...one,
          name: 'other',
          routes: one.routes.map((route) => ({ ...route, cluster: 'else' })),
        })),
        clusters: clusters.map((one) => ({ ...one, name: 'else' })),
      },
      sidecar.runtime.composition.plugins as ComposedPlugin[],
    );
    await eventually(() => sidecar.runtime.listeners.get('inbound') === undefined);
    const text = await scraped(sidecar);
    expect(text).to.include('cluster="else",endpoint="127.0.0.1:1"').and.to.include('listener="other"');
    expect(text)
      .to.not.match(/listener="inbound"|cluster="app"/)
      .and.to.not.include(upstream.address);
  });

  it('go with their route, when no session has it any more', async () => {
    const held: (() => void)[] = [];
    const slow = await httpUpstream(({ url }, response) => {
      if (url === '/old/held') held.push(() => response.end('good'));
      else response.end('good');
    });
    const to = (path: string) => ({ endpoints: [slow.address], route: { match: { path } } });
    const { runtime, port } = await start(to('/old'));
    await exchange(port, request('GET /old/x'));
    const open = await RawClient.connect(port);
    open.send(request('GET /old/held'));
    await eventually(() => held.length === 1);
    expect(await sidecar.reload(to('/new'))).to.equal('changed');
    await exchange(port, request('GET /new/x'));
    const during = await scraped(sidecar);
    const of = (pattern: string) => [`route="inbound[0]"`, `http_route="${pattern}"`, 'method="GET"'];
    expect(sampleOf(during, server, ...of('/old/*'))).to.equal(1);
    expect(sampleOf(during, server, ...of('/new/*'))).to.equal(1);
    held[0]!();
    await open.until((text) => text.endsWith('good'));
    await runtime.sessions.none();
    const after = await scraped(sidecar);
    expect(after).to.not.include('/old/*');
    expect(sampleOf(after, server, ...of('/new/*'))).to.equal(1);
    // What had no route stays, and what comes back goes on.
    await exchange(port, request('GET /elsewhere'));
    await sidecar.reload(to('/old'));
    const back = await scraped(sidecar);
    expect(sampleOf(back, server, ...of('/old/*'))).to.equal(2);
    expect(sampleOf(back, server, 'route=""', 'code="404"')).to.equal(1);
    expect(back).to.not.include('/new/*');
    await slow.stop();
  });

  it('are not there where they are not wanted, nor their hooks', async () => {
    await start({}, false);
    await exchange(sidecar.port, request('GET /'));
    expect(await scraped(sidecar))
      .to.not.include('http_server_')
      .and.not.to.include('outrigger_session_bytes');
    const bound: unknown[] = [];
    const to = { toResolvedValue: () => ({ inSingletonScope() {} }) };
    metrics.bind(
      ((token: symbol) => {
        bound.push(String(token));
        return to;
      }) as never,
      { sessions: false },
    );
    expect(bound).to.not.include('Symbol(outrigger.ConnectionHooks)');
  });
});

describe('/metrics of the program', () => {
  const scratch = scratchForPrograms();

  const served = async (upstream: Upstream) => {
    const program = sidecarOn(scratch.write('o.yaml', shortest([upstream.address])));
    const port = await program.port();
    for (let i = 0; i < 3; i++) await exchange(port, request('GET /'));
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    return async (accept: string) => (await fetch(`http://${admin}/metrics`, { headers: { accept } })).text();
  };

  it('tells of the process, its event loop and its memory', async () => {
    const upstream = await httpUpstream((_request, response) => response.end('good'));
    const text = await (await served(upstream))('text/plain');
    await upstream.stop();
    expect(sampleOf(text, 'process_open_fds')).to.be.within(10, sampleOf(text, 'process_max_fds')!);
    for (const name of ['nodejs_heap_size_total_bytes', 'nodejs_external_memory_bytes', 'process_cpu_seconds_total'])
      expect(sampleOf(text, name), name).to.be.above(0);
    expect(sampleOf(text, 'nodejs_eventloop_lag_p99_seconds')).to.be.within(0, 5);
    expect(sampleOf(text, 'nodejs_eventloop_active_seconds_total')).to.be.within(0.01, 60);
    expect(text).to.include('# TYPE nodejs_gc_duration_seconds histogram');
  });

  itWith(promtool, 'is clean for promtool', async () => {
    const upstream = await httpUpstream((_request, response) => response.end('good'));
    const text = await (await served(upstream))('text/plain');
    await upstream.stop();
    expect(judged(text)).to.equal('');
  });

  it('is what docs/metrics.md says', async () => {
    const upstream = await httpUpstream((_request, response) => response.end('good'));
    const text = await (await served(upstream))('text/plain');
    await upstream.stop();
    const families = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n(.*)/gm)];
    expect(families.length).to.be.above(40);
    for (const [, name, doc, kind, sample] of families) {
      const row = table.get(name!);
      expect(row, name).to.include({ kind, doc });
      const labels = [...(/\{(.*)\}/.exec(sample!)?.[1] ?? '').matchAll(/([a-z_]+)="/g)].map(([, label]) => label);
      if (sample!.startsWith(name!))
        expect(
          labels.filter((label) => label !== 'le'),
          name,
        ).to.deep.equal(row!.labels);
    }
  });
});

interface Row {
  readonly kind: string;
  readonly labels: readonly string[];
  readonly doc: string;
}

/** Every metric that docs/metrics.md names. */
const table = new Map(
  [...read('docs/metrics.md').matchAll(/^\| `([a-z_0-9]+)` \| (\w+) \| (.*?) ?\| (.*) \|$/gm)].map(
    ([, name, kind, labels, doc]): [string, Row] => [
      name!,
      { kind: kind!, labels: labels!.match(/[a-z_]+/g) ?? [], doc: doc! },
    ],
  ),
);

/** What promtool has to say of a text; empty where it is content. */
function judged(text: string): string {
  const { stdout, stderr } = spawnSync(promtool.path!, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  return stdout + stderr;
}

describe('docs/metrics.md', () => {
  it('has every instrument that the code declares by its name, and no other', () => {
    const sources = ['core', 'plugins'].flatMap((folder) =>
      filesBelow(folder).filter((file) => /\/src\/.*\.ts$/.test(file)),
    );
    const declared = sources.flatMap((file) =>
      [...read(file).matchAll(/\.(?:counter|gauge|histogram)\(\s*'([a-z_]+)',/g)].map(([, name]) => name!),
    );
    expect(declared.length).to.be.above(50);
    expect(declared.filter((name) => !table.has(name))).to.deep.equal([]);
    const lag = /^nodejs_eventloop_lag_/;
    expect([...table.keys()].filter((name) => !lag.test(name) && !declared.includes(name))).to.deep.equal([]);
  });

  itWith(promtool, 'has no metric that promtool finds fault with', async () => {
    let text = '';
    for (const [name, { kind, labels, doc }] of table) {
      const pairs = labels.map((label) => `${label}="x"`);
      const of = (more: string[] = []) => `{${[...pairs, ...more].join()}}`;
      text += `# HELP ${name} ${doc}\n# TYPE ${name} ${kind}\n`;
      text +=
        kind === 'histogram'
          ? `${name}_bucket${of(['le="+Inf"'])} 1\n${name}_sum${of()} 1\n${name}_count${of()} 1\n`
          : `${name}${of()} 1\n`;
    }
    expect(judged(text)).to.equal('');
  });
});
