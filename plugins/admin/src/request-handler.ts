import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminReply, AdminRoute } from '@outrigger/core';
import type { OpenReplies } from './open-replies.ts';
import { writeReply } from './write-reply.ts';

/** Bytes of a body, at most. */
const MAX_BODY = 64 * 1024;

/** RFC 6750 §3. */
const CHALLENGE = { 'www-authenticate': 'Bearer realm="outrigger"' };

/** What stands behind an address, and before it. */
export interface Front {
  readonly routes: readonly AdminRoute[];
  readonly replies: OpenReplies;
  allowedHost(host: string): boolean;
  hasToken(request: IncomingMessage): boolean;
}

/** Answers one request on an admin address. Never throws, and never leaves it unanswered. */
export function answer(request: IncomingMessage, response: ServerResponse, front: Front): void {
  const signal = front.replies.begin(response);
  reply(request, front, signal)
    .catch((error: unknown): AdminReply => problem(500, error instanceof Error ? error.message : String(error)))
    .then((given) => writeReply(request, response, given));
}

async function reply(request: IncomingMessage, front: Front, signal: AbortSignal): Promise<AdminReply> {
  const { routes } = front;
  const { host = '' } = request.headers;
  if (!front.allowedHost(host))
    return problem(403, `Host is "${host}"; use the IP address, localhost, or the name in admin.bind`);
  const path = pathOf(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.find((one) => one.method === method && matches(one, path));
  // What there is, too, is told to who has the token alone.
  if (!isOpen(route, request) && !front.hasToken(request))
    return problem(401, 'the admin token is needed here, as "Authorization: Bearer TOKEN"', {}, CHALLENGE);
  const methods = methodsOf(path, routes);
  if (methods.length === 0)
    return problem(404, `there is no ${path} here`, {
      paths: routes.map((route) => ({ method: route.method, path: route.path, doc: route.doc })),
    });
  if (route === undefined) {
    const allow = methods.join(', ');
    return problem(405, `${path} is asked with ${methods.join(' or ')}, not ${request.method}`, {}, { allow });
  }
  if (method !== 'GET' && fromElsewhere(request))
    return problem(403, 'this comes from a page of another origin: state is changed from this address alone');
  const body = await bodyOf(request);
  if (body === undefined) return problem(413, `the body is over ${MAX_BODY} bytes`);
  const query = new URLSearchParams(request.url!.slice(path.length));
  const { headers } = request;
  return route.serve({ method: route.method, path, query, accept: headers.accept ?? '', body, headers, signal });
}

function isOpen(route: AdminRoute | undefined, { headers }: IncomingMessage): boolean {
  if (route?.open !== 'text/html') return route?.open === true;
  return headers.accept?.includes('text/html') === true;
}

/** A browser tells where a request comes from; other clients tell nothing, and are no way into somebody's browser. */
function fromElsewhere({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return origin !== undefined && origin !== `http://${host}`;
}

function pathOf(request: IncomingMessage): string {
  return request.url!.split('?', 1)[0]!;
}

function methodsOf(path: string, routes: readonly AdminRoute[]): string[] {
  return [...new Set(routes.filter((route) => matches(route, path)).map(({ method }) => method))];
}

/** Whether `route` serves this path. */
export function matches(route: AdminRoute, path: string): boolean {
  return route.path.endsWith('/*') ? path.startsWith(route.path.slice(0, -1)) : path === route.path;
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MAX_BODY) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function problem(
  status: number,
  error: string,
  more: object = {},
  headers: NonNullable<AdminReply['headers']> = {},
): AdminReply {
  return { status, body: { error, ...more }, headers };
}
