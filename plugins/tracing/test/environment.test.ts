import { expect } from 'chai';
import { type Environment, exportTarget, readEnvironment } from '../src/environment.ts';
import type { TracingSettings } from '../src/settings.ts';

const file: TracingSettings = {
  sampling: 0.01,
  atLeast: 1,
  trust: 'all',
  propagators: ['tracecontext', 'baggage'],
  segment: 60_000,
  messages: 0,
  endpoint: undefined,
  protocol: 'http/protobuf',
  headers: { 'x-key': 'file' },
};

function unexpected(message: string): never {
  throw new Error(message);
}

describe('where spans go', () => {
  const table: readonly [what: string, endpoint: string | undefined, env: Environment, url: string | undefined][] = [
    ['nowhere by default', undefined, {}, undefined],
    ['to a base URL', 'http://c:4318', {}, 'http://c:4318/v1/traces'],
    ['to a URL for traces', 'https://c/otlp/v1/traces', {}, 'https://c/otlp/v1/traces'],
    [
      'to the environment before the file',
      'http://c:4318',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://e:1' },
      'http://e:1/v1/traces',
    ],
    ['nowhere with the exporter none', 'http://c', { OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [
      'to this machine with the exporter otlp',
      undefined,
      { OTEL_TRACES_EXPORTER: 'otlp' },
      'http://localhost:4318/v1/traces',
    ],
  ];
  for (const [what, endpoint, env, url] of table) {
    it(what, () => {
      expect(exportTarget({ ...file, endpoint }, env, unexpected)?.url).to.equal(url);
    });
  }

  const grpc: readonly [what: string, endpoint: string | undefined, env: Environment, url: string | undefined][] = [
    ['to the address of a URL', 'http://c:4317/v1/traces', {}, 'http://c:4317'],
    ['to the environment before the file', 'http://c', { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' }, 'https://c:4317'],
    ['to this machine with the exporter otlp', undefined, { OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4317'],
    ['nowhere by default', undefined, {}, undefined],
  ];
  for (const [what, endpoint, env, url] of grpc) {
    it(`by gRPC ${what}`, () => {
      const given = { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
      expect(exportTarget({ ...file, endpoint }, given, unexpected)?.url).to.equal(url);
    });
  }

  it('by the protocol for traces before that for every signal, in any case', () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'GRPC', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    expect(exportTarget({ ...file, endpoint: 'http://c' }, env, unexpected)?.protocol).to.equal('grpc');
  });

  it('takes protocol and headers from the environment before the file', () => {
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_HEADERS: 'x-key=env' };
    const settings = { ...file, endpoint: 'http://c' };
    expect(exportTarget(settings, {}, unexpected)).to.include({ protocol: 'http/protobuf', headers: file.headers });
    expect(exportTarget(settings, env, unexpected)).to.include({ protocol: 'http/json', headers: undefined });
  });

  for (const env of [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' },
    { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' },
    { OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'zstd' },
    { OTEL_EXPORTER_OTLP_HEADERS: 's3cret' },
    { OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/s3cret.pem' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 's3cret@collector' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' },
    { OTEL_TRACES_EXPORTER: 'zipkin' },
  ] as readonly Environment[]) {
    it(`warns of ${JSON.stringify(env)} and goes by the file`, () => {
      const warnings: string[] = [];
      const target = exportTarget({ ...file, endpoint: 'http://c' }, env, (message) => warnings.push(message));
      expect(target).to.deep.include({ url: 'http://c/v1/traces', protocol: 'http/protobuf' });
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.contain(Object.keys(env)[0]);
      expect(warnings[0]).not.to.contain('s3cret');
    });
  }
});

describe('OTEL_* beyond the exporter', () => {
  it('has the defaults that OpenTelemetry gives', () => {
    expect(readEnvironment({}, unexpected)).to.deep.equal({
      disabled: false,
      sampler: undefined,
      propagators: undefined,
      batches: { delayMs: 5000, queueSize: 2048, batchSize: 512, timeoutMs: 30_000 },
    });
  });

  it('reads OTEL_BSP_*, a batch being no larger than the queue', () => {
    const env = {
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
      OTEL_BSP_EXPORT_TIMEOUT: '2000',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100',
    };
    expect(readEnvironment(env, unexpected).batches).to.deep.equal({
      delayMs: 100,
      queueSize: 64,
      batchSize: 64,
      timeoutMs: 2000,
    });
  });

  const propagators: readonly [value: string, expected: readonly string[] | undefined, warnings: number][] = [
    ['tracecontext,baggage', ['tracecontext', 'baggage'], 0],
    [' B3 , tracecontext, b3', ['b3', 'tracecontext'], 0],
    ['b3multi,jaeger', ['b3multi'], 1],
    ['none', [], 0],
    ['', undefined, 0],
    ['xray', undefined, 1],
  ];
  for (const [value, expected, count] of propagators) {
    it(`reads OTEL_PROPAGATORS=${value}`, () => {
      const warnings: string[] = [];
      const read = readEnvironment({ OTEL_PROPAGATORS: value }, (message) => warnings.push(message));
      expect(read.propagators).to.deep.equal(expected);
      expect(warnings).to.have.length(count);
    });
  }

  const samplers: readonly [env: Environment, expected: object | undefined, warnings: number][] = [
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { name: 'always_on', ratio: 1 }, 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.2' }, { name: 'traceidratio', ratio: 0.2 }, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, { name: 'parentbased_traceidratio', ratio: 1 }, 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, { name: 'traceidratio', ratio: 1 }, 1],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, undefined, 1],
    [{ OTEL_TRACES_SAMPLER_ARG: '0.2' }, undefined, 0],
  ];
  for (const [env, expected, count] of samplers) {
    it(`reads ${JSON.stringify(env)}`, () => {
      const warnings: string[] = [];
      expect(readEnvironment(env, (message) => warnings.push(message)).sampler).to.deep.equal(expected);
      expect(warnings).to.have.length(count);
    });
  }

  for (const [value, disabled] of Object.entries({ true: true, TRUE: true, 1: false, '': false })) {
    it(`OTEL_SDK_DISABLED=${value} ${disabled ? 'disables' : 'does not'}`, () => {
      expect(readEnvironment({ OTEL_SDK_DISABLED: value }, unexpected).disabled).to.equal(disabled);
    });
  }
});
