import { expect } from 'chai';
import { type Answer, OtlpGrpcCollector } from '../../../test/support/otlp-grpc-collector.ts';
import { otlpExporter, type SpanExporter } from '../src/otlp-exporter.ts';
import { type SpanBatch, SpanBatches } from '../src/span-batches.ts';
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

function batchOf(...names: readonly string[]): SpanBatch {
  const store = new SpanStore();
  const batches = new SpanBatches(100, 100);
  for (const name of names) {
    store.add(new TestSpan(name));
    batches.add(store);
  }
  return batches.take()!;
}

/** Sends one batch of `names`; resolves with the error, if there was one. */
function send(exporter: SpanExporter, ...names: readonly string[]): Promise<Error | undefined> {
  return exporter.export(batchOf(...names)).then(
    () => undefined,
    (error: Error) => error,
  );
}

describe('OTLP/gRPC', () => {
  const before = process.env['OTEL_EXPORTER_OTLP_TIMEOUT'];
  const timeout = (ms: string | undefined) => {
    if (ms === undefined) delete process.env['OTEL_EXPORTER_OTLP_TIMEOUT'];
    else process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = ms;
  };
  const closing: (() => unknown)[] = [];

  afterEach(async () => {
    timeout(before);
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function exporterTo(url: string, headers?: Readonly<Record<string, string>>): Promise<SpanExporter> {
    const exporter = await otlpExporter({ url, protocol: 'grpc', headers }, 'chat');
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
    const exporter = await exporterTo(await listening(collector), { 'X-Key': 'secret' });
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
    const exporter = await exporterTo(await collector.listen());
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

  it('tells what a collector rejects of a batch', async () => {
    const collector = new OtlpGrpcCollector();
    collector.answers = [{ status: 0, message: Buffer.from([10, 8, 8, 2, 18, 4, ...Buffer.from('odd!')]) }];
    const exporter = await exporterTo(await listening(collector));
    expect(await exporter.export(batchOf('a', 'b', 'c'))).to.deep.equal({ spans: 2, why: 'odd!' });
  });

  const again: readonly [what: string, first: Answer | undefined][] = [
    ['UNAVAILABLE', { status: 14 }],
    ['RESOURCE_EXHAUSTED that says when', { status: 8, trailers: { 'grpc-status-details-bin': retryIn10ms() } }],
  ];
  for (const [what, first] of again) {
    it(`tries again after ${what}`, async () => {
      const collector = new OtlpGrpcCollector();
      collector.answers = [first, { status: 0 }];
      expect(await send(await exporterTo(await listening(collector)), 'a')).to.equal(undefined);
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
      expect((await send(await exporterTo(await listening(collector)), 'a'))?.message).to.match(error);
    });
  }

  it('waits no longer than OTEL_EXPORTER_OTLP_TIMEOUT for an answer', async () => {
    timeout('100');
    const collector = new OtlpGrpcCollector();
    collector.answers = [undefined];
    expect((await send(await exporterTo(await listening(collector)), 'a'))?.message).to.equal(
      'gRPC status 4: no answer in time',
    );
  });

  it('says why where nobody listens', async () => {
    timeout('300');
    const collector = new OtlpGrpcCollector();
    const url = await collector.listen();
    await collector.close();
    expect((await send(await exporterTo(url), 'a'))?.message).to.contain('ECONNREFUSED');
  });

  it('says what HTTP says where no gRPC is spoken', async () => {
    const { createServer } = await import('node:http2');
    const server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const exporter = await exporterTo(`http://127.0.0.1:${port}`);
    expect((await send(exporter, 'a'))?.message).to.equal('gRPC status 2: HTTP status 404');
    await exporter.shutdown();
    await new Promise((resolve) => server.close(resolve));
  });
});
