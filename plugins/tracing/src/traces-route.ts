import type { AdminReply, AdminRequest, AdminRoute } from '@outrigger/core';
import { recentTrace, recentTraces } from './recent-traces.ts';
import type { SpanStore } from './span-store.ts';

const DEFAULT_LIMIT = 20;
/** Reading so many takes some milliseconds, during which no session goes on. */
const MAX_LIMIT = 200;

/** `GET /traces`: what the store still has. */
export function tracesRoute(store: SpanStore): AdminRoute {
  return {
    method: 'GET',
    path: '/traces',
    doc: 'The last traces that were sampled, newest first: `?limit=` (20; 200 at most), `?trace=ID` for one.',
    serve: (request) => serve(request, store),
  };
}

function serve({ query }: AdminRequest, store: SpanStore): AdminReply {
  const trace = query.get('trace');
  if (trace !== null) {
    if (!/^[0-9a-f]{32}$/.test(trace))
      return problem(400, `trace is "${trace}", expected 32 lower-case hexadecimal digits`);
    const traces = recentTrace(store, trace);
    return traces.length > 0 ? { body: { traces } } : problem(404, `the trace ${trace} is not, or no longer, here`);
  }
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    return problem(400, `limit is "${query.get('limit')}", expected a whole number from 1 to ${MAX_LIMIT}`);
  return { body: { traces: recentTraces(store, limit) } };
}

function problem(status: number, error: string): AdminReply {
  return { status, body: { error } };
}
