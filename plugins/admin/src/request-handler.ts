import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminReply, AdminRoute } from '@outrigger/core';

/** Bytes of a body, at most. */
const MAX_BODY = 64 * 1024;

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** RFC 6750 §3. */
const CHALLENGE = { 'www-authenticate': 'Bearer realm="outrigger"' };

/** Answers one request on an admin address. Never throws, and never leaves it unanswered. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly AdminRoute[],
  allowedHost: (host: string) => boolean,
  hasToken: (request: IncomingMessage) => boolean,
): void {
  reply(request, routes, allowedHost, hasToken)
    .catch((error: unknown): AdminReply => problem(500, error instanceof Error ? error.message : String(error)))
    .then(({ status = 200, body, contentType = typeof body === 'string' ? 'text/plain' : 'application/json' }) => {
      const text = typeof body === 'string' ? body : `${JSON.stringify(body, undefined, 2)}\n`;
      const type = contentType.includes('charset') ? contentType : `${contentType}; charset=utf-8`;
      const allow = status === 405 ? { allow: methodsOf(pathOf(request), routes).join(', ') } : {};
      const authenticate = status === 401 ? CHALLENGE : {};
      response.writeHead(status, { ...HEADERS, ...allow, ...authenticate, 'content-type': type });
      response.end(request.method === 'HEAD' ? undefined : text);
    });
}

async function reply(
  request: IncomingMessage,
  routes: readonly AdminRoute[],
  allowedHost: (host: string) => boolean,
  hasToken: (request: IncomingMessage) => boolean,
): Promise<AdminReply> {
  const { host = '' } = request.headers;
  if (!allowedHost(host))
    return problem(403, `Host is "${host}"; use the IP address, localhost, or the name in admin.bind`);
  const path = pathOf(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.find((one) => one.method === method && matches(one, path));
  // What there is, too, is told to who has the token alone.
  if (!isOpen(route, request) && !hasToken(request))
    return problem(401, 'the admin token is needed here, as "Authorization: Bearer TOKEN"');
  const methods = methodsOf(path, routes);
  if (methods.length === 0)
    return problem(404, `there is no ${path} here`, {
      paths: routes.map((route) => ({ method: route.method, path: route.path, doc: route.doc })),
    });
  if (route === undefined) return problem(405, `${path} is asked with ${methods.join(' or ')}, not ${request.method}`);
  if (method !== 'GET' && fromElsewhere(request))
    return problem(403, 'this comes from a page of another origin: state is changed from this address alone');
  const body = await bodyOf(request);
  if (body === undefined) return problem(413, `the body is over ${MAX_BODY} bytes`);
  const query = new URLSearchParams(request.url!.split('?', 2)[1] ?? '');
  const { accept = '' } = request.headers;
  return route.serve({ method: route.method, path, query, accept, body });
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

function matches(route: AdminRoute, path: string): boolean {
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

function problem(status: number, error: string, more: object = {}): AdminReply {
  return { status, body: { error, ...more } };
}
