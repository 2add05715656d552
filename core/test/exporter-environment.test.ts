import { expect } from 'chai';
import { type Environment, ExporterEnvironment, environmentReader, type OtlpProtocol } from '../src/otlp/index.ts';

function unexpected(message: string): never {
  throw new Error(message);
}

/** What is read of variables that are named without `OTEL_EXPORTER_OTLP_`. */
function reading(given: Environment, warn: (message: string) => void = unexpected) {
  const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, value]));
  return new ExporterEnvironment('metrics', environmentReader(env, warn));
}

describe('OTEL_EXPORTER_OTLP_*', () => {
  type Case = readonly [what: string, configured: string | undefined, env: Environment, url: string | undefined];
  const http: readonly Case[] = [
    ['nowhere where nothing is said', undefined, {}, undefined],
    ['to a configured base', 'http://c:4318', {}, 'http://c:4318/v1/metrics'],
    ['to a configured base with a slash', 'http://c:4318/', {}, 'http://c:4318/v1/metrics'],
    ['to a configured base with a path', 'https://c/otlp', {}, 'https://c/otlp/v1/metrics'],
    ['to a configured URL of the signal', 'https://c/otlp/v1/metrics', {}, 'https://c/otlp/v1/metrics'],
    ['to the base of all signals', 'http://c', { ENDPOINT: 'http://e:1/otlp' }, 'http://e:1/otlp/v1/metrics'],
    [
      'to such a base, whatever it ends with',
      undefined,
      { ENDPOINT: 'http://e/v1/metrics' },
      'http://e/v1/metrics/v1/metrics',
    ],
    [
      "to the signal's own, as it is",
      'http://c',
      { ENDPOINT: 'http://e:1', METRICS_ENDPOINT: 'http://t:2/x' },
      'http://t:2/x',
    ],
    ["not to another signal's", undefined, { TRACES_ENDPOINT: 'http://t:2/x' }, undefined],
    ['by the configuration where a variable is empty', 'http://c', { ENDPOINT: ' ' }, 'http://c/v1/metrics'],
    ['to what has blanks around it', undefined, { METRICS_ENDPOINT: ' http://t:2/x ' }, 'http://t:2/x'],
  ];
  const grpc: readonly Case[] = [
    ['nowhere where nothing is said', undefined, {}, undefined],
    ['without TLS to http', undefined, { ENDPOINT: 'http://c:4317' }, 'http://c:4317'],
    ['with TLS to https', undefined, { ENDPOINT: 'https://c:4317' }, 'https://c:4317'],
    ['with TLS where there is no scheme', undefined, { ENDPOINT: 'c:4317' }, 'https://c:4317'],
    ['to an IPv6 address', undefined, { ENDPOINT: '[::1]:4317' }, 'https://[::1]:4317'],
    ['by the port of the scheme where there is none', undefined, { ENDPOINT: 'c' }, 'https://c'],
    ['without TLS where INSECURE says so', undefined, { ENDPOINT: 'c:4317', INSECURE: 'TRUE' }, 'http://c:4317'],
    ['by the scheme before INSECURE', undefined, { ENDPOINT: 'https://c:4317', INSECURE: 'true' }, 'https://c:4317'],
    [
      "by the signal's own INSECURE",
      undefined,
      { ENDPOINT: 'c:1', INSECURE: 'true', METRICS_INSECURE: 'false' },
      'https://c:1',
    ],
    ["to the signal's own", undefined, { ENDPOINT: 'http://e:1', METRICS_ENDPOINT: 'http://t:2' }, 'http://t:2'],
    ['to a configured address', 'http://c:4317/v1/metrics', {}, 'http://c:4317'],
    ['to the environment before it', 'http://c:4317', { ENDPOINT: 'http://e:1' }, 'http://e:1'],
    ['without the path', undefined, { METRICS_ENDPOINT: 'http://c:4317/v1/metrics?x=y' }, 'http://c:4317'],
    ['without credentials', undefined, { ENDPOINT: 'http://me:s3cret@c:4317' }, 'http://c:4317'],
  ];
  for (const [protocol, table] of [
    ['http/protobuf', http],
    ['grpc', grpc],
  ] as const)
    for (const [what, configured, env, url] of table) {
      it(`by ${protocol} ${what}`, () => {
        expect(reading(env).url(protocol, configured)).to.equal(url);
      });
    }

  it('know the collector on this machine', () => {
    const local = (protocol: OtlpProtocol) => reading({}).localUrl(protocol);
    expect(local('grpc')).to.equal('http://localhost:4317');
    expect(local('http/json')).to.equal('http://localhost:4318/v1/metrics');
  });

  it("tell the protocol, the signal's own before that of all, in any case", () => {
    expect(reading({}).protocol()).to.equal(undefined);
    expect(reading({ PROTOCOL: 'http/json' }).protocol()).to.equal('http/json');
    expect(reading({ METRICS_PROTOCOL: 'GRPC', PROTOCOL: 'http/json' }).protocol()).to.equal('grpc');
  });

  it('tell whether there are headers', () => {
    expect(reading({}).checkRest()).to.deep.equal({ headers: false });
    expect(reading({ METRICS_HEADERS: 'a=b,c=d' }).checkRest()).to.deep.equal({ headers: true });
  });

  const read = (one: ExporterEnvironment, protocol: OtlpProtocol) => [
    one.protocol(),
    one.url(protocol, 'http://c:1'),
    one.checkRest().headers,
  ];
  for (const [env, protocol] of [
    [{ METRICS_PROTOCOL: 's3cret' }, 'grpc'],
    [{ METRICS_ENDPOINT: 's3cret@collector' }, 'http/json'],
    [{ METRICS_ENDPOINT: 'ftp://s3cret' }, 'grpc'],
    [{ METRICS_ENDPOINT: 's3cret at home' }, 'grpc'],
    [{ METRICS_INSECURE: 's3cret' }, 'grpc'],
    [{ METRICS_TIMEOUT: 's3cret' }, 'grpc'],
    [{ METRICS_COMPRESSION: 's3cret' }, 'grpc'],
    [{ METRICS_HEADERS: 's3cret' }, 'grpc'],
    [{ METRICS_CERTIFICATE: '/nowhere/s3cret' }, 'grpc'],
    [{ METRICS_CLIENT_KEY: '/nowhere/s3cret' }, 'grpc'],
    [{ METRICS_CLIENT_CERTIFICATE: '/nowhere/s3cret' }, 'grpc'],
  ] as readonly (readonly [Environment, OtlpProtocol])[]) {
    it(`are told, unquoted, and ignored where they are ${JSON.stringify(env)}`, () => {
      const warnings: string[] = [];
      const found = read(
        reading(env, (message) => warnings.push(message)),
        protocol,
      );
      expect(found).to.deep.equal(read(reading({}), protocol));
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.contain(`OTEL_EXPORTER_OTLP_${Object.keys(env)[0]} cannot be understood`);
      expect(warnings[0]).not.to.contain('s3cret');
    });
  }

  it("go by what is said for all where the signal's own cannot be understood", () => {
    const warnings: string[] = [];
    const one = reading(
      { METRICS_ENDPOINT: 'ftp://x', ENDPOINT: 'http://e:1', METRICS_PROTOCOL: 'x', PROTOCOL: 'grpc' },
      (message) => warnings.push(message),
    );
    expect([one.protocol(), one.url('grpc')]).to.deep.equal(['grpc', 'http://e:1']);
    expect(warnings).to.have.length(2);
  });
});
