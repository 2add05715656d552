import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { OtlpCollector, type ReceivedSpan } from '../support/otlp-collector.ts';
import { OtlpGrpcCollector } from '../support/otlp-grpc-collector.ts';
import { endPrograms, type Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { echoMessages, httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const SERVER = 2;
const CLIENT = 3;
/** Spans go off soon after they have ended. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '20' };

describe('traces of real sidecars', () => {
  const scratch = new Scratch();
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await endPrograms();
    for (const close of closing.splice(0)) await close();
  });
  after(() => scratch.remove());

  const stopLater = <T extends Upstream>(upstream: T): T => {
    closing.push(() => upstream.stop());
    return upstream;
  };

  async function collecting<T extends OtlpCollector | OtlpGrpcCollector>(collector: T): Promise<string> {
    const url = await collector.listen();
    closing.push(() => collector.close());
    return url;
  }

  /** A sidecar of the service `name`, in a process of its own, in front of `upstream`. */
  function sidecar(name: string, upstream: Upstream, tracing: string, env: Record<string, string> = SOON): Program {
    const file = scratch.write(
      `${name}.yaml`,
      `service: { name: ${name} }
listeners:
  inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app }
clusters:
  app: { endpoints: ["${upstream.address}"] }
plugins:
  - tracing: { sampling: 1, ${tracing} }
`,
    );
    return sidecarOn(file, [], { env });
  }

  const get = async (url: string, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(url, { headers });
    expect(response.status).to.equal(200);
    return response.text();
  };

  it('are one trace through two sidecars and two services, each span the child of the one before', async () => {
    const http = new OtlpCollector();
    const grpc = new OtlpGrpcCollector();
    const [httpUrl, grpcUrl] = [await collecting(http), await collecting(grpc)];
    const seen: IncomingHttpHeaders[] = [];
    const orders = stopLater(
      await httpUpstream((incoming, response) => {
        seen.push(incoming.headers);
        response.end('ordered');
      }),
    );
    const second = sidecar('orders', orders, `endpoint: "${grpcUrl}", protocol: grpc`);
    const secondPort = await second.port();
    // A service without OpenTelemetry: it passes on the headers that it is told to pass on.
    const shop = stopLater(
      await httpUpstream((incoming, response) => {
        const { traceparent, tracestate, baggage } = incoming.headers;
        const headers = { traceparent, tracestate, baggage } as Record<string, string>;
        const up = request(
          { host: '127.0.0.1', port: secondPort, path: '/orders', method: 'POST', headers },
          (answer) => answer.pipe(response),
        );
        up.end();
      }),
    );
    const first = sidecar('shop', shop, `endpoint: "${httpUrl}"`);
    const context = { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`, tracestate: 'a=1', baggage: 'user=7' };
    expect(await get(`http://127.0.0.1:${await first.port()}/buy`, context)).to.equal('ordered');

    const two = (spans: readonly ReceivedSpan[]) => spans.length >= 2;
    const of = (spans: readonly ReceivedSpan[], kind: number) => spans.find((span) => span.kind === kind)!;
    const shopSpans = await http.until(two);
    const orderSpans = await grpc.until(two);
    const chain = [of(shopSpans, SERVER), of(shopSpans, CLIENT), of(orderSpans, SERVER), of(orderSpans, CLIENT)];
    expect(new Set(chain.map(({ traceId }) => traceId))).to.deep.equal(new Set(['ab'.repeat(16)]));
    expect(chain.map(({ parentSpanId }) => parentSpanId)).to.deep.equal([
      'cd'.repeat(8),
      ...chain.slice(0, 3).map(({ spanId }) => spanId),
    ]);
    expect(new Set(chain.map(({ spanId }) => spanId)).size).to.equal(4);
    expect(chain.map(({ name }) => name)).to.deep.equal(['GET', 'GET', 'POST', 'POST']);
    expect(seen[0]).to.include({
      traceparent: `00-${'ab'.repeat(16)}-${chain[3]!.spanId}-01`,
      tracestate: 'a=1',
      baggage: 'user=7',
    });
    for (const [outer, inner] of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      // Two processes may read their clocks a little apart.
      expect(chain[inner]!.start - chain[outer]!.start >= -2_000_000n, 'the inner one begins later').to.equal(true);
    }
    expect([http.exports[0]!.resource['service.name'], grpc.exports[0]!.resource['service.name']]).to.deep.equal([
      'shop',
      'orders',
    ]);
  });

  it('are shown at /traces, without a collector', async () => {
    const upstream = stopLater(await httpUpstream((_request, response) => response.end('good')));
    const program = sidecar('shown', upstream, 'trust: all');
    const port = await program.port();
    await get(`http://127.0.0.1:${port}/a`);
    await get(`http://127.0.0.1:${port}/b`, { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` });
    const { admin } = (await program.logged('ready')) as unknown as { admin: string };
    const { traces } = JSON.parse(await get(`http://${admin}/traces?limit=5`));
    expect(traces).to.have.length(2);
    expect(traces[0].traceId).to.equal('ab'.repeat(16));
    const [server, client] = traces[0].spans;
    expect([server.kind, server.parentSpanId]).to.deep.equal(['SERVER', 'cd'.repeat(8)]);
    expect([client.kind, client.parentSpanId]).to.deep.equal(['CLIENT', server.spanId]);
    expect(server.attributes['url.path']).to.equal('/b');
  });

  const collectors: readonly [protocol: string, make: () => OtlpCollector | OtlpGrpcCollector][] = [
    ['http/protobuf', () => new OtlpCollector()],
    ['grpc', () => new OtlpGrpcCollector()],
  ];
  for (const [protocol, make] of collectors) {
    it(`by ${protocol} survive a collector that is killed and comes back under load, and no request fails`, async () => {
      const upstream = stopLater(await httpUpstream((_request, response) => response.end('good')));
      const collector = make();
      const endpoint = await collector.listen();
      const { port: collectorPort } = collector;
      const program = sidecar('loaded', upstream, `endpoint: "${endpoint}", protocol: ${protocol}`, {
        ...SOON,
        OTEL_BSP_MAX_QUEUE_SIZE: '64',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16',
        OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      });
      const url = `http://127.0.0.1:${await program.port()}/`;
      let over = false;
      let answered = 0;
      const load = Array.from({ length: 4 }, async () => {
        while (!over) {
          expect(await get(url)).to.equal('good');
          answered++;
        }
      });
      await collector.until((spans) => spans.length > 100);
      await collector.close();
      await program.logged('spans are lost; told once until it is over');
      const before = answered;
      const again = make();
      await again.listen(collectorPort);
      closing.push(() => again.close());
      await again.until((spans) => spans.length > 100);
      over = true;
      await Promise.all(load);
      expect(answered).to.be.above(before);
      expect(program.log.filter(({ msg }) => msg.startsWith('spans are lost'))).to.have.length(1);
    });
  }

  it('do not hold up the end of a sidecar whose collector was never there', async () => {
    const gone = new OtlpCollector();
    const endpoint = await gone.listen();
    await gone.close();
    const upstream = stopLater(await httpUpstream((_request, response) => response.end('good')));
    const program = sidecar('alone', upstream, `endpoint: "${endpoint}"`, {});
    await get(`http://127.0.0.1:${await program.port()}/`);
    const at = performance.now();
    program.kill('SIGTERM');
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    // The drain waits for a second; the retries of an export would take ten.
    expect(performance.now() - at).to.be.below(4000);
  });

  it('are flushed at the end of a sidecar, those of WebSockets too that the drain closes', async () => {
    const collector = new OtlpCollector();
    const endpoint = await collecting(collector);
    const upstream = stopLater(await webSocketUpstream(echoMessages));
    const program = sidecar('flushed', upstream, `endpoint: "${endpoint}"`, { OTEL_BSP_SCHEDULE_DELAY: '60000' });
    const port = await program.port();
    await get(`http://127.0.0.1:${port}/`);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    await once(socket, 'open');
    program.kill('SIGTERM');
    const [code] = await once(socket, 'close');
    expect(code).to.equal(1001);
    expect((await program.exit).code).to.equal(0);
    expect(collector.spans.map(({ name }) => name).sort()).to.deep.equal([
      'GET',
      'GET',
      'GET',
      'GET',
      'websocket segment',
    ]);
    const segment = collector.spans.find(({ name }) => name === 'websocket segment')!;
    expect(segment.attributes).to.include({ 'outrigger.cause': 'drain', 'outrigger.websocket.initiator': 'sidecar' });
    expect(segment.status).to.equal(0);
  });

  for (const [plane, messages, deflate] of [
    ['frames', 0, false],
    ['frames, compressed', 0, true],
    ['messages', 1, false],
  ] as const) {
    it(`tell of a WebSocket by segments, on the plane of ${plane}`, async () => {
      const collector = new OtlpCollector();
      const endpoint = await collecting(collector);
      const upstream = stopLater(await webSocketUpstream(echoMessages, { perMessageDeflate: deflate }));
      const program = sidecar('socket', upstream, `endpoint: "${endpoint}", segment: 300ms, messages: ${messages}`);
      const socket = new WebSocket(`ws://127.0.0.1:${await program.port()}/ws`, { perMessageDeflate: deflate });
      await once(socket, 'open');
      for (const size of [10, 100, 5000]) {
        socket.send('x'.repeat(size));
        await once(socket, 'message');
      }
      const segmentsOf = (spans: readonly ReceivedSpan[]) => spans.filter(({ name }) => name === 'websocket segment');
      await collector.until((spans) => segmentsOf(spans).length > 0);
      socket.close(4000);
      await once(socket, 'close');
      const ended = (span: ReceivedSpan) => span.attributes['outrigger.cause'] !== undefined;
      const spans = await collector.until((all) => segmentsOf(all).some(ended));
      const segments = segmentsOf(spans);
      const sum = (name: string) =>
        segments.reduce((total, { attributes }) => total + Number(attributes[`outrigger.websocket.${name}`] ?? 0), 0);
      expect([sum('messages.received'), sum('messages.sent')]).to.deep.equal([3, 3]);
      const sizes = segments.flatMap(({ attributes }) => [attributes['outrigger.websocket.sizes.received'] ?? []]);
      const total = (sizes as number[][]).reduce(
        (counts, one) => counts.map((n, i) => n + (one[i] ?? 0)),
        Array(9).fill(0),
      );
      expect(total).to.deep.equal(deflate ? [3, 0, 0, 0, 0, 0, 0, 0, 0] : [1, 1, 0, 0, 1, 0, 0, 0, 0]);
      if (!deflate) expect(sum('bytes.received')).to.be.within(5110, 5300);
      expect(segments.at(-1)!.attributes).to.include({
        'outrigger.cause': 'complete',
        'outrigger.websocket.initiator': 'downstream',
        'outrigger.websocket.close_code.received': 4000,
      });
      const handshake = spans.find(({ kind }) => kind === SERVER)!;
      expect(handshake.attributes['http.response.status_code']).to.equal(101);
      for (const { links, parentSpanId } of segments) {
        expect(links).to.deep.equal([{ traceId: handshake.traceId, spanId: handshake.spanId }]);
        expect(parentSpanId).to.equal('');
      }
      const told = spans.filter(({ name }) => name === 'websocket message');
      expect(told).to.have.length(messages === 1 ? 6 : 0);
      for (const { parentSpanId } of told)
        expect(segments.some(({ spanId }) => spanId === parentSpanId)).to.equal(true);
    });
  }
});
