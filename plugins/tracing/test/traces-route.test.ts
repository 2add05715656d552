import type { AdminReply } from '@outrigger/core';
import { expect } from 'chai';
import type { RecentTrace } from '../src/recent-traces.ts';
import { SpanKind } from '../src/span.ts';
import { SpanStore } from '../src/span-store.ts';
import { tracesRoute } from '../src/traces-route.ts';
import { TestSpan } from './stand-ins.ts';

const id = (n: number) => n.toString(16).padStart(32, '0');

async function asked(store: SpanStore, query = ''): Promise<AdminReply & { readonly traces: readonly RecentTrace[] }> {
  const reply = await tracesRoute(() => store).serve({
    method: 'GET',
    path: '/traces',
    accept: '',
    query: new URLSearchParams(query),
    body: '',
    headers: {},
    signal: AbortSignal.any([]),
  });
  return { ...reply, traces: (reply.body as { traces: RecentTrace[] }).traces };
}

function threeTraces(): SpanStore {
  const store = new SpanStore();
  for (const n of [1, 2, 3]) {
    const server = new TestSpan(`server ${n}`, { traceId: id(n) });
    store.add(
      new TestSpan(
        `client ${n}`,
        { traceId: id(n), spanId: server.spanId },
        { startedAt: 1_700_000_000_002, kind: SpanKind.CLIENT },
      ),
    );
    store.add(server);
  }
  return store;
}

describe('/traces', () => {
  it('has the traces, newest first, each with its spans in the order in which they began', async () => {
    const { traces } = await asked(threeTraces());
    expect(traces.map(({ traceId }) => traceId)).to.deep.equal([id(3), id(2), id(1)]);
    const [{ spans, ...trace }] = traces as [RecentTrace];
    expect(trace).to.deep.equal({
      traceId: id(3),
      name: 'server 3',
      startedAt: '2023-11-14T22:13:20.000Z',
      durationMs: 12.25,
      status: 'error',
    });
    expect(spans.map(({ name, kind, parentSpanId }) => [name, kind, parentSpanId])).to.deep.equal([
      ['server 3', 'SERVER', undefined],
      ['client 3', 'CLIENT', spans[0]!.spanId],
    ]);
    expect(spans[1]).to.deep.include({
      startedAt: '2023-11-14T22:13:20.002Z',
      durationMs: 10.5,
      status: 'error',
      attributes: { 'a.text': 'x', 'a.number': 7, 'a.flag': true },
    });
  });

  it('has so many as `limit` says, whole ones', async () => {
    const { traces } = await asked(threeTraces(), 'limit=2');
    expect(traces.map(({ traceId, spans }) => [traceId, spans.length])).to.deep.equal([
      [id(3), 2],
      [id(2), 2],
    ]);
  });

  it('finds one by its id', async () => {
    const { traces } = await asked(threeTraces(), `trace=${id(1)}`);
    expect(traces.map(({ traceId, spans }) => [traceId, spans.length])).to.deep.equal([[id(1), 2]]);
  });

  it('is empty where nothing was sampled', async () => {
    expect((await asked(new SpanStore())).traces).to.deep.equal([]);
  });

  for (const [query, status, error] of [
    ['limit=0', 400, /limit is "0", expected a whole number from 1 to 200/],
    ['limit=many', 400, /limit is "many"/],
    ['trace=1', 400, /expected 32 lower-case hexadecimal digits/],
    [`trace=${id(9)}`, 404, /no longer, here/],
  ] as const) {
    it(`answers ?${query} with ${status}`, async () => {
      const reply = await asked(threeTraces(), query);
      expect(reply.status).to.equal(status);
      expect((reply.body as { error: string }).error).to.match(error);
    });
  }
});
