import { expect } from 'chai';
import { pushTarget } from '../src/environment.ts';

describe('where metrics are pushed', () => {
  const table: readonly [what: string, env: Readonly<Record<string, string>>, target: object][] = [
    [
      'to the collector on this machine by default, every minute',
      {},
      { url: 'http://localhost:4318/v1/metrics', protocol: 'http/protobuf', intervalMs: 60_000 },
    ],
    [
      'to it by gRPC, as often as is said',
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'GRPC', OTEL_METRIC_EXPORT_INTERVAL: '100' },
      { url: 'http://localhost:4317', protocol: 'grpc', intervalMs: 100 },
    ],
    [
      'to where is said',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://e:1', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      { url: 'http://e:1/v1/metrics', protocol: 'http/json', intervalMs: 60_000 },
    ],
    [
      'by gRPC to an address without a scheme, blanks around it',
      {
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_ENDPOINT: ' c:4317 ',
        OTEL_EXPORTER_OTLP_METRICS_INSECURE: 'true',
      },
      { url: 'http://c:4317', protocol: 'grpc', intervalMs: 60_000 },
    ],
  ];
  for (const [what, env, target] of table) {
    it(what, () => {
      const warnings: string[] = [];
      expect(pushTarget(env, (message) => warnings.push(message))).to.deep.equal(target);
      expect(warnings).to.deep.equal([]);
    });
  }

  for (const [name, value] of Object.entries({
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 's3cret at home',
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'thrift',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: 'soon',
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'zstd',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 's3cret',
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/s3cret.pem',
    OTEL_METRIC_EXPORT_INTERVAL: 'often',
  })) {
    it(`warns of ${name}=${value}, and goes by the rest`, () => {
      const warnings: string[] = [];
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://e:1', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', [name]: value };
      expect(pushTarget(env, (message) => warnings.push(message))).to.deep.equal({
        url: 'http://e:1',
        protocol: 'grpc',
        intervalMs: 60_000,
      });
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.contain(name).and.not.to.contain('s3cret');
    });
  }
});
