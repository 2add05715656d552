import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AdminReply } from '@outrigger/core';

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

type Body = AdminReply['body'];

/** Writes a reply to its end, a stream at the pace of the client. Never throws. */
export function writeReply(request: IncomingMessage, response: ServerResponse, reply: AdminReply): void {
  const { status = 200, body, headers, contentType = isObject(body) ? 'application/json' : 'text/plain' } = reply;
  const type = contentType.includes('charset') ? contentType : `${contentType}; charset=utf-8`;
  response.writeHead(status, { ...HEADERS, 'content-type': type, ...headers });
  if (request.method === 'HEAD' || status === 304) response.end();
  else if (isStream(body)) void pour(body, response);
  else response.end(isObject(body) ? `${JSON.stringify(body, undefined, 2)}\n` : body);
}

/** A stream that breaks cuts the answer: its head has been sent, and a clean end would be a lie. */
async function pour(body: AsyncIterable<string>, response: ServerResponse): Promise<void> {
  // What the first event waits for must not keep the head back.
  response.flushHeaders();
  await pipeline(Readable.from(body), response).catch(() => response.destroy());
}

export function isStream(body: Body): body is AsyncIterable<string> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}

function isObject(body: Body): body is object {
  return typeof body === 'object' && !isStream(body) && !(body instanceof Uint8Array);
}
