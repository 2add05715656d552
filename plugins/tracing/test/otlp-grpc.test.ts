import { expect } from 'chai';
import { Authority, writeAuthority, writePair } from '../../../test/support/certificates.ts';
import { type Answer, OtlpGrpcCollector } from '../../../test/support/otlp-grpc-collector.ts';
import { Scratch } from '../../../test/support/scratch.ts';
import { otlpExporter, type SpanExporter } from '../src/otlp-exporter.ts';
import { resourceOf } from '../src/resource.ts';
import { SpanBatches } from '../src/span-batches.ts';
import { SpanStore } from '../src/span-store.ts';
import { TestSpan } from './stand-ins.ts';

/** `google.rpc.Status` with a `google.rpc.RetryInfo` of 10 ms among its details, by hand. */
function retryIn10ms(): string {
  const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.of((number << 3) | 2, bytes.length), bytes]);
  // 10,000,000 ns
  const delay = Buffer.of(2 << 3, 0x80, 0xad, 0xe2, 0x04);
  const any = Buffer.concat([
    field(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')),
    field(2, field(1, delay)),
  ]);
  return field(3, any).toString('base64').replace(/=+$/, '');
}

/** Sends one batch of `names`; resolves with the error, if there was one. */
function send(exporter: SpanExporter, ...names: readonly string[]): Promise<Error | undefined> {
  const store = new SpanStore();
  const batches = new SpanBatches(100, 100);
  for (const name of names) {
    store.add(new TestSpan(name));
    batches.add(store);
  }
  return new Promise((resolve) => exporter.export(batches.take()!, ({ error }) => resolve(error)));
}

describe('OTLP/gRPC', () => {
  const VARIABLES = ['TIMEOUT', 'COMPRESSION', 'HEADERS', 'CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'];
  const before = new Map(VARIABLES.map((name) => [name, process.env[`OTEL_EXPORTER_OTLP_${name}`]]));
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[`OTEL_EXPORTER_OTLP_${name}`];
    else process.env[`OTEL_EXPORTER_OTLP_${name}`] = value;
  };
  const closing: (() => unknown)[] = [];

  afterEach(async () => {
    for (const [name, value] of before) set(name, value);
    for (const close of closing.splice(0).reverse()) await close();
  });

  function exporterTo(url: string, headers?: Readonly<Record<string, string>>): SpanExporter {
    const exporter = otlpExporter({ url, protocol: 'grpc', headers }, resourceOf('chat'));
    closing.push(() => exporter.shutdown());
    return exporter;
  }

  async function listening(collector: OtlpGrpcCollector): Promise<string> {
    const url = await collector.listen();
    closing.push(() => collector.close());
    return url;
  }

  it('carries spans, and headers as metadata', async () => {
    const collector = new OtlpGrpcCollector();
    const exporter = exporterTo(await listening(collector), { 'X-Key': 'secret' });
    expect(await send(exporter, 'a', 'b')).to.equal(undefined);
    const [received] = collector.exports;
    expect(received!.path).to.equal('/opentelemetry.proto.collector.trace.v1.TraceService/Export');
    expect(received!.headers).to.include({ 'content-type': 'application/grpc', te: 'trailers', 'x-key': 'secret' });
    expect(received!.headers['grpc-timeout']).to.match(/^(10000|9\d{3})m$/);
    expect(received!.resource).to.include({ 'service.name': 'chat' });
    expect(received!.spans.map(({ name }) => name)).to.deep.equal(['a', 'b']);
    expect(received!.spans[0]!.attributes).to.deep.equal({ 'a.text': 'x', 'a.number': 7, 'a.flag': true });
  });

  it('has one connection, and another one when that is gone', async () => {
    const collector = new OtlpGrpcCollector();
    const exporter = exporterTo(await collector.listen());
    await send(exporter, 'a');
    await send(exporter, 'b');
    expect(collector.connections).to.equal(1);
    const { port } = collector;
    await collector.close();
    const next = new OtlpGrpcCollector();
    await next.listen(port);
    closing.push(() => next.close());
    expect(await send(exporter, 'c')).to.equal(undefined);
    expect(next.spans.map(({ name }) => name)).to.deep.equal(['c']);
  });

  it('reads headers and compression from the environment', async () => {
    set('HEADERS', 'x-key=env');
    set('COMPRESSION', 'gzip');
    const collector = new OtlpGrpcCollector();
    await send(exporterTo(await listening(collector)), 'a');
    expect(collector.exports[0]!.headers).to.include({ 'x-key': 'env', 'grpc-encoding': 'gzip' });
    expect(collector.spans).to.have.length(1);
  });

  it('speaks TLS, and shows a certificate of its own', async () => {
    const scratch = new Scratch();
    closing.push(() => scratch.remove());
    const authority = await Authority.create();
    set('CERTIFICATE', writeAuthority(scratch.folder, 'ca', authority));
    const collector = new OtlpGrpcCollector({
      ...(await authority.issue({ names: ['127.0.0.1'] })),
      ca: authority.cert,
    });
    const url = await listening(collector);
    set('TIMEOUT', '300');
    expect((await send(exporterTo(url), 'a'))?.message).to.match(/^gRPC status (14|4)/);
    const { cert, key } = writePair(scratch.folder, 'client', await authority.issue());
    set('CLIENT_CERTIFICATE', cert);
    set('CLIENT_KEY', key);
    set('TIMEOUT', undefined);
    expect(await send(exporterTo(url), 'b')).to.equal(undefined);
    expect(collector.spans.map(({ name }) => name)).to.deep.equal(['b']);
  });

  const again: readonly [what: string, first: Answer | undefined][] = [
    ['UNAVAILABLE', { status: 14 }],
    ['RESOURCE_EXHAUSTED that says when', { status: 8, trailers: { 'grpc-status-details-bin': retryIn10ms() } }],
  ];
  for (const [what, first] of again) {
    it(`tries again after ${what}`, async () => {
      const collector = new OtlpGrpcCollector();
      collector.answers = [first, { status: 0 }];
      expect(await send(exporterTo(await listening(collector)), 'a')).to.equal(undefined);
      expect(collector.spans).to.have.length(1);
    });
  }

  const final: readonly [what: string, answer: Answer, error: RegExp][] = [
    ['INVALID_ARGUMENT', { status: 3, trailers: { 'grpc-message': 'no%20spans' } }, /^gRPC status 3: no spans$/],
    ['RESOURCE_EXHAUSTED that does not say when', { status: 8 }, /^gRPC status 8$/],
    [
      'details that cannot be read',
      { status: 8, trailers: { 'grpc-status-details-bin': Buffer.of(26, 255, 255).toString('base64') } },
      /^gRPC status 8$/,
    ],
  ];
  for (const [what, answer, error] of final) {
    it(`gives up after ${what}`, async () => {
      const collector = new OtlpGrpcCollector();
      collector.answers = [answer];
      expect((await send(exporterTo(await listening(collector)), 'a'))?.message).to.match(error);
    });
  }

  it('waits no longer than OTEL_EXPORTER_OTLP_TIMEOUT for an answer', async () => {
    set('TIMEOUT', '100');
    const collector = new OtlpGrpcCollector();
    collector.answers = [undefined];
    expect((await send(exporterTo(await listening(collector)), 'a'))?.message).to.equal(
      'gRPC status 4: no answer in time',
    );
  });

  it('says why where nobody listens', async () => {
    set('TIMEOUT', '300');
    const collector = new OtlpGrpcCollector();
    const url = await collector.listen();
    await collector.close();
    expect((await send(exporterTo(url), 'a'))?.message).to.contain('ECONNREFUSED');
  });

  it('says what HTTP says where no gRPC is spoken', async () => {
    const { createServer } = await import('node:http2');
    const server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const exporter = exporterTo(`http://127.0.0.1:${port}`);
    expect((await send(exporter, 'a'))?.message).to.equal('gRPC status 2: HTTP status 404');
    await exporter.shutdown();
    await new Promise((resolve) => server.close(resolve));
  });
});
