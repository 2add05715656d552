import type { AdminReply, AdminRequest, AdminRoute, Clock, Sidecar } from '@outrigger/core';
import { ERROR } from './openapi.ts';
import { matches } from './request-handler.ts';
import type { Subjects } from './routes.ts';
import { isStream } from './write-reply.ts';

/** Seconds between two looks, unless `every` says otherwise; and the bounds of that. */
const EVERY = { usual: 2, least: 1, most: 60 };
const MAX_PATHS = 16;
/** Each stream asks its paths anew every few seconds: beyond so many they would be a load of their own. */
const MAX_STREAMS = 100;
/** After so long without an event a comment says that the line still holds. */
const QUIET_MS = 10_000;

/** `GET /live`: what other paths answer, whenever it has changed. */
export function liveRoute({ sidecar, clock }: Subjects): AdminRoute {
  let open = 0;
  return {
    method: 'GET',
    path: '/live',
    doc: 'The answers of other paths as events, at first and when they change: `?path=/clusters&path=…&every=2` (seconds).',
    query: {
      path: { doc: 'A path to follow, with its query; several times for several.' },
      every: {
        doc: 'Seconds between two looks.',
        schema: { type: 'number', minimum: EVERY.least, maximum: EVERY.most, default: EVERY.usual },
      },
    },
    responses: {
      200: {
        doc: 'An event for each path, named after it, whose data is what GET of it answers; `end` is the last one.',
        contentTypes: ['text/event-stream'],
      },
      503: { doc: `${MAX_STREAMS} streams are open already.`, schema: ERROR },
    },
    serve(request) {
      const every = Number(request.query.get('every') ?? EVERY.usual);
      if (!(every >= EVERY.least && every <= EVERY.most))
        return problem(
          400,
          `every is "${request.query.get('every')}"; expected seconds from ${EVERY.least} to ${EVERY.most}`,
        );
      const paths = [...new Set(request.query.getAll('path'))];
      if (paths.length === 0 || paths.length > MAX_PATHS)
        return problem(400, `${paths.length} paths; expected 1 to ${MAX_PATHS} of ?path=/clusters`);
      const unknown = paths.find((path) => routeOf(path, sidecar) === undefined);
      if (unknown !== undefined) return problem(404, `there is no GET ${unknown} to follow`);
      if (open >= MAX_STREAMS)
        return problem(
          503,
          `${open} streams are open, as many as there may be: close some of the pages and clients that follow /live, or ask the paths one by one`,
        );
      if (!request.signal.aborted) {
        open++;
        request.signal.addEventListener('abort', () => open--, { once: true });
      }
      return {
        body: events(paths, every * 1_000, request, { sidecar, clock }),
        contentType: 'text/event-stream',
        // nginx, and what speaks as it does, would keep the events until there are enough of them.
        headers: { 'x-accel-buffering': 'no' },
      };
    },
  };
}

type Around = Pick<Subjects, 'sidecar' | 'clock'>;

async function* events(
  paths: readonly string[],
  everyMs: number,
  request: AdminRequest,
  { sidecar, clock }: Around,
): AsyncGenerator<string> {
  const told = new Map<string, string>();
  let spokeAt = clock.now();
  // It goes on through a drain, which is worth seeing; the end of the plugin is its end.
  while (!request.signal.aborted) {
    for (const path of paths) {
      const text = await ask(path, request, sidecar);
      if (told.get(path) === text) continue;
      told.set(path, text);
      spokeAt = clock.now();
      yield event(path, text);
    }
    if (clock.now() - spokeAt >= QUIET_MS) {
      spokeAt = clock.now();
      yield ':\n\n';
    }
    await pause(everyMs, request.signal, clock);
  }
  yield event('end', '{}');
}

/** What GET of a path answers, as one text. A path that a reload has taken away, or that fails, answers with its error. */
async function ask(path: string, { headers, signal }: AdminRequest, sidecar: Sidecar): Promise<string> {
  const route = routeOf(path, sidecar);
  if (route === undefined) return JSON.stringify({ error: `there is no ${path} here any more` });
  const [name, query] = split(path);
  const accept = 'application/json';
  try {
    const asked = { method: 'GET', path: name, query: new URLSearchParams(query), accept, body: '', headers, signal };
    return textOf(await route.serve(asked));
  } catch (error) {
    return JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
  }
}

function textOf({ body }: AdminReply): string {
  if (typeof body === 'string') return body;
  if (isStream(body) || body instanceof Uint8Array) return JSON.stringify({ error: 'its answer is no JSON' });
  return JSON.stringify(body);
}

/** This stream, and others that a plugin adds, answer no JSON; of this one it is known before it is asked. */
function routeOf(path: string, { adminRoutes }: Sidecar): AdminRoute | undefined {
  const [name] = split(path);
  if (name === '/live') return undefined;
  return adminRoutes.find((route) => route.method === 'GET' && matches(route, name));
}

function split(path: string): [name: string, query: string] {
  const name = path.split('?', 1)[0]!;
  return [name, path.slice(name.length)];
}

/** An event of a text/event-stream (WHATWG HTML §9.2). */
function event(name: string, data: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${name.replace(/[\r\n]/g, '')}\n${lines.join('')}\n`;
}

function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal.addEventListener('abort', done);
  });
}

function problem(status: number, error: string): AdminReply {
  return { status, body: { error } };
}
