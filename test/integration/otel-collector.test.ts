import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { freePort } from '../support/free-port.ts';
import { OtlpCollector, type ReceivedSpan } from '../support/otlp-collector.ts';
import { itWith, otelcol } from '../support/peers.ts';
import { endPrograms, Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { echoMessages, type Upstream, webSocketUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/virtual-time.ts';

/** A span as `/traces` shows it. */
interface ShownSpan {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT';
  readonly startedAt: string;
  readonly durationMs: number;
  readonly status: 'unset' | 'error';
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links?: ReceivedSpan['links'];
}

const KINDS = { INTERNAL: 1, SERVER: 2, CLIENT: 3 };
const ms = (nanoseconds: bigint) => Number(nanoseconds / 1000n) / 1000;

/** What is to have come of a span that `/traces` shows. */
const expected = (traceId: string, span: ShownSpan) => ({
  traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId ?? '',
  name: span.name,
  kind: KINDS[span.kind],
  startedAt: span.startedAt,
  durationMs: span.durationMs,
  status: span.status === 'error' ? 2 : 0,
  attributes: span.attributes,
  links: span.links ?? [],
});

const received = ({
  traceId,
  spanId,
  parentSpanId,
  name,
  kind,
  start,
  end,
  status,
  attributes,
  links,
}: ReceivedSpan) => ({
  traceId,
  spanId,
  parentSpanId,
  name,
  kind,
  startedAt: new Date(Number(start / 1_000_000n)).toISOString(),
  durationMs: ms(end - start),
  status,
  attributes,
  links,
});

describe('the OpenTelemetry Collector', () => {
  const scratch = new Scratch();
  const behind = new OtlpCollector();
  const ports = { grpc: 0, http: 0 };
  let upstream: Upstream;

  before(async () => {
    upstream = await webSocketUpstream(echoMessages);
    const endpoint = await behind.listen();
    if (otelcol.path === undefined) return;
    ports.grpc = await freePort();
    ports.http = await freePort();
    const file = scratch.write(
      'collector.yaml',
      `receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:${ports.grpc}" }
      http: { endpoint: "127.0.0.1:${ports.http}" }
exporters:
  otlp_http: { endpoint: "${endpoint}", encoding: json, compression: none }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_http] }
    metrics: { receivers: [otlp], exporters: [otlp_http] }
`,
    );
    const collector = new Program(otelcol.path, ['--config', file]);
    await collector.until(({ stderr }) => stderr.includes('Everything is ready'));
  });

  after(async () => {
    await endPrograms();
    await behind.close();
    await upstream.stop();
    scratch.remove();
  });

  for (const protocol of ['grpc', 'http/protobuf', 'http/json'] as const) {
    itWith(otelcol, `gets by ${protocol} what was recorded, span by span`, async () => {
      const port = protocol === 'grpc' ? ports.grpc : ports.http;
      const file = scratch.write(
        'outrigger.yaml',
        `service: { name: ${protocol.replace('/', '-')} }
listeners:
  inbound: { protocol: http, bind: "127.0.0.1:0", routes: [{ match: { path: /gone }, cluster: gone }, { cluster: app }] }
clusters:
  app: { endpoints: ["${upstream.address}"] }
  gone: { endpoints: ["127.0.0.1:${await freePort()}"] }
plugins:
  - tracing: { sampling: 1, segment: 200ms, messages: 1, endpoint: "http://127.0.0.1:${port}", protocol: ${protocol} }
`,
      );
      const program = sidecarOn(file, [], { env: { OTEL_BSP_SCHEDULE_DELAY: '50' } });
      const base = `127.0.0.1:${await program.port()}`;
      for (let i = 0; i < 20; i++) await (await fetch(`http://${base}/grüße?n=${i}&sig=secret`)).text();
      expect((await fetch(`http://${base}/gone`)).status).to.equal(502);
      const socket = new WebSocket(`ws://${base}/ws`);
      await once(socket, 'open');
      socket.send('hello');
      await once(socket, 'message');
      socket.close(1000);
      await once(socket, 'close');

      const mine = (spans: readonly ReceivedSpan[]) => {
        const exports = behind.exports.filter(
          ({ resource }) => resource['service.name'] === protocol.replace('/', '-'),
        );
        return spans.filter((span) => exports.some((one) => one.spans.includes(span)));
      };
      const ended = (span: ReceivedSpan) =>
        span.name === 'websocket segment' && span.attributes['outrigger.cause'] !== undefined;
      await behind.until((spans) => mine(spans).some(ended));
      const { admin } = (await program.logged('ready')) as unknown as { admin: string };
      const { traces } = (await (await fetch(`http://${admin}/traces?limit=200`)).json()) as {
        traces: { traceId: string; spans: ShownSpan[] }[];
      };
      const shown = traces.flatMap(({ traceId, spans }) => spans.map((span) => expected(traceId, span)));
      await behind.until((spans) => mine(spans).length >= shown.length);
      const byId = (a: { spanId: string }, b: { spanId: string }) => (a.spanId < b.spanId ? -1 : 1);
      expect(mine(behind.spans).map(received).sort(byId)).to.deep.equal(shown.sort(byId));
      expect(shown.length).to.be.at.least(47);
    });
  }

  for (const protocol of ['grpc', 'http/protobuf', 'http/json'] as const) {
    itWith(otelcol, `gets by ${protocol} the metrics that /metrics tells`, async () => {
      behind.metrics.length = 0;
      const port = protocol === 'grpc' ? ports.grpc : ports.http;
      const file = scratch.write(
        'metrics.yaml',
        `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters: { app: { endpoints: ["${upstream.address}"] } }
`,
      );
      const program = sidecarOn(file, [], {
        env: {
          OTEL_METRICS_EXPORTER: 'otlp',
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_METRIC_EXPORT_INTERVAL: '50',
        },
      });
      const base = `127.0.0.1:${await program.port()}`;
      for (let i = 0; i < 20; i++) await (await fetch(`http://${base}/x`)).text();
      const { admin } = (await program.logged('ready')) as unknown as { admin: string };
      const text = await (await fetch(`http://${admin}/metrics`)).text();
      program.kill('SIGTERM');
      expect(await program.exit).to.deep.equal({ code: 0, signal: null });
      await eventually(() => countOf(behind.metrics) === 20);
      const told = new Set(
        text.split('\n').flatMap((line) => /^([a-z_]+?)(?:_bucket|_sum|_count)?[{ ]/.exec(line)?.[1] ?? []),
      );
      const names = metricsIn(behind.metrics).map(({ name }) => NAMES[name] ?? name);
      expect([...told].filter((name) => !names.includes(name))).to.deep.equal([]);
    });
  }
});

interface PushedMetric {
  readonly name: string;
  readonly histogram?: { readonly dataPoints: readonly { readonly count: string | number }[] };
}

/** The HTTP conventions' names, as Prometheus has them. */
const NAMES: Readonly<Record<string, string>> = {
  'http.server.request.duration': 'http_server_request_duration_seconds',
  'http.client.request.duration': 'http_client_request_duration_seconds',
  'http.server.active_requests': 'http_server_active_requests',
};

/** The metrics of the last request. */
function metricsIn(requests: readonly { readonly body: Buffer }[]): readonly PushedMetric[] {
  const last = requests.at(-1);
  if (last === undefined) return [];
  const { resourceMetrics } = JSON.parse(String(last.body)) as {
    resourceMetrics: readonly { scopeMetrics: readonly { metrics: readonly PushedMetric[] }[] }[];
  };
  return resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
}

/** How many requests they tell of. */
function countOf(requests: readonly { readonly body: Buffer }[]): number {
  const duration = metricsIn(requests).find(({ name }) => name === 'http.server.request.duration');
  return Number(duration?.histogram?.dataPoints[0]?.count ?? 0);
}
