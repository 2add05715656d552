import type { IncomingMessage } from 'node:http';
import { type Clock, type Logger, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import { OtlpGrpcCollector } from '../../../test/support/otlp-grpc-collector.ts';
import { endPrograms, sidecarOn } from '../../../test/support/program.ts';
import { exchange } from '../../../test/support/raw-client.ts';
import { Scratch, shortest } from '../../../test/support/scratch.ts';
import { httpUpstream, type Upstream } from '../../../test/support/upstreams.ts';
import { eventually, turns } from '../../../test/support/virtual-time.ts';
import { isPushWanted, OtlpPush } from '../src/otlp-push.ts';
import { Registry } from '../src/registry.ts';

interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
}
interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly Point[] };
  readonly sum?: { readonly dataPoints: readonly Point[]; readonly isMonotonic: boolean };
  readonly histogram?: { readonly dataPoints: readonly Point[]; readonly aggregationTemporality: number };
}
interface Request {
  readonly resourceMetrics: readonly [
    {
      readonly resource: Pick<Point, 'attributes'>;
      readonly scopeMetrics: readonly [{ readonly metrics: readonly Metric[] }];
    },
  ];
}
interface Push {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

describe('metrics by OTLP', () => {
  const scratch = new Scratch();
  const pushes: Push[] = [];
  let status = 200;
  let collector: Upstream;
  before(async () => {
    collector = await httpUpstream((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        pushes.push({ request, body: Buffer.concat(pieces) });
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      });
    });
  });
  beforeEach(() => {
    pushes.length = 0;
    status = 200;
  });
  afterEach(endPrograms);
  after(async () => {
    await collector.stop();
    scratch.remove();
  });

  const metricsOf = ({ body }: Push) => (JSON.parse(body.toString()) as Request).resourceMetrics[0];

  it('go to the collector while the program runs, and once more at its end, by the names of the conventions', async () => {
    const upstream = await httpUpstream((_request, response) => response.end('good'));
    const program = sidecarOn(scratch.write('o.yaml', `service: { name: chat }\n${shortest([upstream.address])}`), [], {
      env: {
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${collector.address}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=k',
        OTEL_METRIC_EXPORT_INTERVAL: '100',
      },
    });
    const port = await program.port();
    await eventually(() => pushes.length > 0);
    for (let i = 0; i < 3; i++) await exchange(port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    await upstream.stop();
    const last = pushes.at(-1)!;
    expect(last.request).to.include({ method: 'POST', url: '/v1/metrics' });
    expect(last.request.headers).to.include({ 'content-type': 'application/json', 'api-key': 'k' });
    const { resource, scopeMetrics } = metricsOf(last);
    expect(resource.attributes).to.deep.include({ key: 'service.name', value: { stringValue: 'chat' } });
    const { metrics } = scopeMetrics[0];
    const duration = metrics.find(({ name }) => name === 'http.server.request.duration')!;
    expect(duration).to.include({ unit: 's' });
    expect(duration.histogram!.aggregationTemporality).to.equal(2);
    const [point] = duration.histogram!.dataPoints;
    expect(Number(point!.count)).to.equal(3);
    expect(point!.bucketCounts!.length).to.equal(point!.explicitBounds!.length + 1);
    expect(point!.attributes).to.deep.include.members([
      { key: 'http.request.method', value: { stringValue: 'GET' } },
      { key: 'http.response.status_code', value: { intValue: 200 } },
    ]);
    expect(point!.attributes.map(({ key }) => key)).to.not.include('error.type');
    const cpu = metrics.find(({ name }) => name === 'process_cpu_seconds_total')!;
    expect(cpu.sum!.isMonotonic).to.equal(true);
    expect(metrics.find(({ name }) => name === 'process_open_fds')!.gauge!.dataPoints[0]!.asDouble).to.be.above(5);
  });

  it('go as protobuf by default, every minute; what a collector refuses is counted, and told once', async () => {
    const clock = new VirtualClock();
    const lines: string[] = [];
    const log = (message: string) => void lines.push(message);
    const registry = new Registry();
    const push = new OtlpPush({
      registry,
      serviceName: 's',
      env: { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://${collector.address}/own` },
      clock: clock as Clock,
      logger: { warn: log, info: log } as unknown as Logger,
    });
    await push.start();
    const pass = async (count: number) => {
      // A push whose answer is still on its way keeps the next one from beginning.
      while (pushes.length < count) {
        for (let passed = 0; passed < 60_100; passed += 100) clock.advance(100);
        await turns(20);
      }
      expect(pushes).to.have.length(count);
    };
    await pass(1);
    expect(pushes[0]!.request.url).to.equal('/own');
    expect(pushes[0]!.request.headers['content-type']).to.equal('application/x-protobuf');
    expect(pushes[0]!.body.includes('outrigger_metrics_push_failures_total')).to.equal(true);
    for (const attribute of ['service.instance.id', 'host.name', 'process.pid'])
      expect(pushes[0]!.body.includes(attribute), attribute).to.equal(true);
    status = 400;
    const failures = () => [...registry.collect().find(({ name }) => name.includes('push_failures'))!.series][0]!.value;
    await pass(2);
    await eventually(() => failures() === 1);
    await pass(3);
    await eventually(() => failures() === 2);
    expect(lines).to.deep.equal(['metrics cannot be pushed; told once until they can']);
    status = 200;
    await push.stop();
    expect(pushes).to.have.length(4);
    expect(lines.at(-1)).to.equal('metrics are pushed again');
  });

  it('go by gRPC where that is asked for, with what the environment says; a refusal is told with its status', async () => {
    const receiver = new OtlpGrpcCollector();
    const url = await receiver.listen();
    const program = sidecarOn(scratch.write('grpc.yaml', shortest(['127.0.0.1:1'])), [], {
      env: {
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${url}/ignored`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=k',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
        OTEL_METRIC_EXPORT_INTERVAL: '100',
      },
    });
    await program.logged(
      'OTEL_EXPORTER_OTLP_TIMEOUT cannot be understood, expected a whole number above 0; it is ignored',
    );
    await eventually(() => receiver.metrics.length > 0);
    const [first] = receiver.metrics;
    expect(first!.headers).to.include({
      ':path': '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
      'content-type': 'application/grpc',
      'grpc-encoding': 'gzip',
      'api-key': 'k',
    });
    expect(first!.body.includes('process_open_fds')).to.equal(true);
    receiver.answers = [{ status: 7, trailers: { 'grpc-message': 'not you' } }];
    const line = await program.logged('metrics cannot be pushed; told once until they can');
    expect(line).to.include({ why: 'gRPC status 7: not you' });
    receiver.answers = [{ status: 0 }];
    await program.logged('metrics are pushed again');
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    await receiver.close();
  });

  it('are pushed where the environment asks for it alone', () => {
    expect(isPushWanted({})).to.equal(false);
    expect(isPushWanted({ OTEL_METRICS_EXPORTER: 'none' })).to.equal(false);
    expect(isPushWanted({ OTEL_METRICS_EXPORTER: 'prometheus, OTLP' })).to.equal(true);
    expect(isPushWanted({ OTEL_METRICS_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' })).to.equal(false);
  });
});
