import { VirtualClock } from '@outrigger/core';
import type { OtlpProtocol } from '@outrigger/core/otlp';
import { expect } from 'chai';
import { OtlpCollector } from '../../../test/support/otlp-collector.ts';
import { newTraceId } from '../src/ids.ts';
import { otlpExporter, type SpanExporter } from '../src/otlp-exporter.ts';
import { SpanExport } from '../src/span-export.ts';
import { readSpans } from '../src/span-reader.ts';
import { SpanStore } from '../src/span-store.ts';
import { recordingLogger, recordingMetrics, TestSpan } from './stand-ins.ts';

const LIMITS = { delayMs: 5000, queueSize: 8, batchSize: 4, timeoutMs: 30_000 };
const EXPORTED = 'outrigger_tracing_spans_exported_total';
const DROPPED = 'outrigger_tracing_spans_dropped_total';

function exportWith(made: SpanExporter | Promise<SpanExporter>, limits = LIMITS) {
  const exporter = async () => made;
  const clock = new VirtualClock();
  const logger = recordingLogger();
  const metrics = recordingMetrics();
  const spans = new SpanExport({ exporter, limits, clock, logger, metrics });
  const store = new SpanStore();
  const end = (span: TestSpan) => {
    store.add(span);
    spans.add(store);
  };
  const add = (count: number, from = 0) => {
    for (let i = from; i < from + count; i++) end(new TestSpan(`s${i}`));
  };
  return {
    clock,
    spans,
    end,
    add,
    counts: metrics.counts,
    log: () => logger.lines.map(([line]) => line),
    lines: logger.lines,
  };
}

/** An exporter that is answered by the test. */
function heldExporter() {
  const batches: { readonly names: string[]; readonly answer: (error?: Error) => void }[] = [];
  let arrived = Promise.withResolvers<void>();
  const exporter: SpanExporter = {
    export(batch) {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      batches.push({
        names: readSpans(batch).map(({ name }) => name),
        answer: (error) => (error === undefined ? resolve(undefined) : reject(error)),
      });
      arrived.resolve();
      arrived = Promise.withResolvers();
      return promise;
    },
    shutdown: () => Promise.resolve(),
  };
  const batch = async (number: number) => {
    while (batches.length < number) await arrived.promise;
    return batches[number - 1]!;
  };
  return { exporter, batches, batch };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the export of spans', () => {
  it('waits for its delay, and goes off in one batch', async () => {
    const { exporter, batches, batch } = heldExporter();
    const { clock, add, counts } = exportWith(exporter);
    add(2);
    clock.advance(2000);
    add(1, 2);
    clock.advance(2900);
    expect(batches).to.have.length(0);
    clock.advance(200);
    const first = await batch(1);
    expect(first.names).to.deep.equal(['s0', 's1', 's2']);
    first.answer();
    await settled();
    expect(counts.get(EXPORTED)).to.equal(3);
  });

  it('does not wait where a batch is full, but not on the way of who adds', async () => {
    const { exporter, batches, batch } = heldExporter();
    const { add } = exportWith(exporter);
    add(4);
    expect(batches).to.have.length(0);
    expect((await batch(1)).names).to.have.length(4);
  });

  it('has one batch under way at a time', async () => {
    const { exporter, batches, batch } = heldExporter();
    const { add } = exportWith(exporter);
    add(4);
    const first = await batch(1);
    add(5, 4);
    await settled();
    expect(batches).to.have.length(1);
    first.answer();
    expect((await batch(2)).names).to.deep.equal(['s4', 's5', 's6', 's7']);
  });

  it('drops what comes when the queue is full, counts it, and tells once', async () => {
    const { exporter, batch } = heldExporter();
    const { add, counts, log } = exportWith(exporter);
    add(4);
    await batch(1);
    add(11, 4);
    expect(counts.get(`${DROPPED}{queue}`)).to.equal(3);
    expect(log()).to.deep.equal(['warn spans are lost; told once until it is over']);
  });

  it('loses a batch that fails, tells once, goes on, and tells when it is over', async () => {
    const { exporter, batch } = heldExporter();
    const { clock, add, counts, log } = exportWith(exporter);
    for (const number of [1, 2]) {
      add(4);
      (await batch(number)).answer(new Error('refused'));
      await settled();
    }
    expect(counts.get(`${DROPPED}{export}`)).to.equal(8);
    expect(log()).to.deep.equal(['warn spans are lost; told once until it is over']);
    clock.advance(10_000);
    add(4);
    (await batch(3)).answer();
    await settled();
    expect(counts.get(EXPORTED)).to.equal(4);
    expect(log().slice(1)).to.deep.equal(['info spans are exported again']);
  });

  it('gives up on an exporter that does not answer', async () => {
    const { exporter, batch } = heldExporter();
    const { clock, add, counts } = exportWith(exporter);
    add(4);
    await batch(1);
    clock.advance(30_100);
    await settled();
    expect(counts.get(`${DROPPED}{export}`)).to.equal(4);
    add(4, 4);
    expect((await batch(2)).names).to.deep.equal(['s4', 's5', 's6', 's7']);
  });

  it('survives an exporter that throws', async () => {
    const thrown = () => {
      throw new Error('thrown');
    };
    const { add, counts, spans } = exportWith({ export: thrown, shutdown: () => Promise.resolve() });
    add(2);
    await spans.drain({ at: 1000 });
    expect(counts.get(`${DROPPED}{export}`)).to.equal(2);
  });

  /** The collector has taken a batch of four before. */
  async function reached({ batch }: ReturnType<typeof heldExporter>, { add }: ReturnType<typeof exportWith>) {
    add(4);
    (await batch(1)).answer();
    await settled();
  }

  it('holds up a drain for a second at most where the collector has never taken anything', async () => {
    const { exporter, batch } = heldExporter();
    const { clock, add, spans } = exportWith(exporter);
    add(6);
    const drained = spans.drain({ at: 30_000 });
    await batch(1);
    clock.advance(1100);
    await drained;
    const stopped = spans.stop();
    clock.advance(100);
    await stopped;
  });

  it('is flushed by a drain, batch by batch', async () => {
    const { exporter, batch } = heldExporter();
    const { add, spans, counts } = exportWith(exporter);
    add(6);
    const drained = spans.drain({ at: 1000 });
    (await batch(1)).answer();
    (await batch(2)).answer();
    await drained;
    expect(counts.get(EXPORTED)).to.equal(6);
  });

  it('lets a drain end at its deadline, and a stop within a second', async () => {
    const held = heldExporter();
    const made = exportWith(held.exporter);
    const { clock, add, spans, counts } = made;
    await reached(held, made);
    add(6);
    let over = false;
    const drained = spans.drain({ at: 3000 }).then(() => (over = true));
    await held.batch(2);
    clock.advance(2900);
    await settled();
    expect(over).to.equal(false);
    clock.advance(200);
    await drained;
    const stopped = spans.stop();
    clock.advance(1100);
    await stopped;
    expect(counts.get(`${DROPPED}{export}`)).to.equal(2);
    add(1);
    expect(counts.get(`${DROPPED}{queue}`)).to.equal(1);
  });
});

describe('OTLP/HTTP', () => {
  let collector: OtlpCollector;
  let base: string;
  const timeout = process.env['OTEL_EXPORTER_OTLP_TIMEOUT'];

  beforeEach(async () => {
    // Shorter than the exporter's first pause before it tries again: a failure is known at once.
    process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '500';
    collector = new OtlpCollector();
    base = await collector.listen();
  });

  afterEach(async () => {
    if (timeout === undefined) delete process.env['OTEL_EXPORTER_OTLP_TIMEOUT'];
    else process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = timeout;
    await collector.close();
  });

  const target = (protocol: OtlpProtocol = 'http/protobuf') => ({
    url: `${base}/v1/traces`,
    protocol,
    headers: { 'x-key': 'secret' },
  });

  for (const protocol of ['http/protobuf', 'http/json'] as const) {
    it(`carries spans as ${protocol}`, async () => {
      const { spans, end } = exportWith(otlpExporter(target(protocol), 'chat'));
      const traceId = newTraceId();
      const parent = { traceId, spanId: '00f067aa0ba902b7', remote: true, flags: 3, traceState: 'a=1,b=2' };
      const span = new TestSpan('GET /ws/*', parent);
      end(span);
      end(new TestSpan('root'));
      await spans.stop();

      const [received] = collector.exports;
      expect(received).to.include({ path: '/v1/traces' });
      expect(received!.headers).to.include({
        'x-key': 'secret',
        'content-type': protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      });
      expect(received!.resource).to.include({ 'service.name': 'chat', 'telemetry.sdk.language': 'nodejs' });
      expect(received!.spans[0]).to.deep.include({
        traceId,
        spanId: span.spanId,
        parentSpanId: '00f067aa0ba902b7',
        traceState: 'a=1,b=2',
        name: 'GET /ws/*',
        kind: 2,
        start: 1_700_000_000_000_250_000n,
        end: 1_700_000_000_012_500_000n,
        attributes: { 'a.text': 'x', 'a.number': 7, 'a.flag': true },
        status: 2,
      });
      expect(received!.spans[1]).to.include({ name: 'root', parentSpanId: '', traceState: '' });
    });
  }

  it('recovers by itself when the collector comes back', async () => {
    const { clock, spans, add, counts, log } = exportWith(otlpExporter(target(), 'chat'));
    const { port } = collector;
    await collector.close();
    add(3);
    await spans.drain({ at: 60_000 });
    expect(counts.get(`${DROPPED}{export}`)).to.equal(3);

    collector = new OtlpCollector();
    await collector.listen(port);
    clock.advance(10_000);
    add(2, 3);
    await spans.drain({ at: 60_000 });
    expect(collector.spans.map(({ name }) => name)).to.deep.equal(['s3', 's4']);
    expect(counts.get(EXPORTED)).to.equal(2);
    expect(log()).to.deep.equal(['warn spans are lost; told once until it is over', 'info spans are exported again']);
  });

  it('loses what a collector refuses', async () => {
    collector.answer = (response) => void response.writeHead(400).end('no');
    const { spans, add, counts } = exportWith(otlpExporter(target(), 'chat'));
    add(3);
    await spans.drain({ at: 60_000 });
    expect(counts.get(`${DROPPED}{export}`)).to.equal(3);
  });

  for (const [protocol, type, body] of [
    ['http/protobuf', 'application/x-protobuf', Buffer.from([10, 8, 8, 2, 18, 4, ...Buffer.from('odd!')])],
    ['http/json', 'application/json', '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"odd!"}}'],
  ] as const) {
    it(`counts what a collector rejects of a batch, by ${protocol}`, async () => {
      collector.answer = (response) => void response.writeHead(200, { 'content-type': type }).end(body);
      const { spans, add, counts, lines } = exportWith(otlpExporter(target(protocol), 'chat'));
      add(3);
      await spans.drain({ at: 60_000 });
      expect([counts.get(EXPORTED), counts.get(`${DROPPED}{export}`)]).to.deep.equal([1, 2]);
      expect(lines[0]).to.deep.equal(['warn spans are lost; told once until it is over', { why: 'odd!' }]);
    });
  }

  it('holds up a drain for a second where the collector has just lost spans', async () => {
    collector.answer = (response) => void response.writeHead(400).end('no');
    const { clock, spans, add, counts } = exportWith(otlpExporter(target(), 'chat'));
    add(3);
    await spans.drain({ at: 60_000 });
    expect(counts.get(`${DROPPED}{export}`)).to.equal(3);
    collector.answer = () => {};
    add(1);
    const drained = spans.drain({ at: clock.now() + 60_000 });
    clock.advance(1_100);
    await drained;
  });

  it('does not hold up a drain where a collector keeps silent', async () => {
    collector.answer = () => {};
    const { clock, spans, add } = exportWith(otlpExporter(target(), 'chat'));
    add(3);
    const drained = spans.drain({ at: 2000 });
    await collector.received(1);
    clock.advance(2100);
    await drained;
  });
});
