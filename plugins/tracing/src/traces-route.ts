import type { AdminReply, AdminRequest, AdminRoute } from '@outrigger/core';
import { recentTrace, recentTraces } from './recent-traces.ts';
import type { SpanBatch } from './span-batches.ts';

const DEFAULT_LIMIT = 20;
/** Reading so many takes some milliseconds, during which no session goes on. */
const MAX_LIMIT = 200;

const TIMED = {
  name: { type: 'string' },
  startedAt: { type: 'string', format: 'date-time' },
  durationMs: { type: 'number' },
  status: { enum: ['unset', 'error'] },
};
const LINK = { traceId: { type: 'string' }, spanId: { type: 'string' } };
const SPAN = {
  spanId: { type: 'string' },
  parentSpanId: { type: 'string' },
  ...TIMED,
  offsetMs: { type: 'number' },
  kind: { type: 'string' },
  attributes: { type: 'object' },
  links: listOf(LINK),
};
const TRACES = {
  type: 'object',
  properties: {
    traces: listOf({ traceId: { type: 'string' }, ...TIMED, spans: listOf(SPAN, 'parentSpanId', 'links') }),
  },
  required: ['traces'],
};

/** The JSON Schema of a list of objects, which have all of these properties but the optional ones. */
function listOf(properties: Readonly<Record<string, unknown>>, ...optional: readonly string[]) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'array', items: { type: 'object', properties, required, additionalProperties: false } };
}

/** `GET /traces`: what the store still has. `recent` is called once for each request. */
export function tracesRoute(recent: () => Iterable<SpanBatch>): AdminRoute {
  return {
    method: 'GET',
    path: '/traces',
    doc: 'The last traces that were sampled, newest first: `?limit=` (20; 200 at most), `?trace=ID` for one.',
    query: {
      limit: {
        doc: 'Traces in the answer.',
        schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
      },
      trace: { doc: 'One trace alone, by its id.', schema: { type: 'string', pattern: '^[0-9a-f]{32}$' } },
    },
    responses: { 200: { doc: 'The traces, each with its spans in the order in which they began.', schema: TRACES } },
    serve: (request) => serve(request, recent()),
  };
}

function serve({ query }: AdminRequest, recent: Iterable<SpanBatch>): AdminReply {
  const trace = query.get('trace');
  if (trace !== null) {
    if (!/^[0-9a-f]{32}$/.test(trace))
      return problem(400, `trace is "${trace}", expected 32 lower-case hexadecimal digits`);
    const traces = recentTrace(recent, trace);
    return traces.length > 0 ? { body: { traces } } : problem(404, `the trace ${trace} is not, or no longer, here`);
  }
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    return problem(400, `limit is "${query.get('limit')}", expected a whole number from 1 to ${MAX_LIMIT}`);
  return { body: { traces: recentTraces(recent, limit) } };
}

function problem(status: number, error: string): AdminReply {
  return { status, body: { error } };
}
