import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { name, serve } from './child.ts';
import { PAGE } from './page.ts';

/** The HTTP service: the page, a clock, an echo, and a stream of events. */
const streams = new Set<ServerResponse>();

const server = createServer((request, response) => {
  const path = request.url?.split('?', 1)[0];
  if (path === '/') response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE);
  else if (path === '/api/time') json(response, { time: new Date().toISOString(), service: name });
  else if (path === '/api/echo') void echo(request, response);
  else if (path === '/api/events') events(response);
  else response.writeHead(404).end('not found\n');
});

function json(response: ServerResponse, value: object): void {
  response.setHeader('content-type', 'application/json').end(`${JSON.stringify(value)}\n`);
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const piece of request) body += String(piece);
  json(response, { method: request.method, url: request.url, headers: request.headers, body });
}

function events(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  streams.add(response);
  response.on('close', () => streams.delete(response));
  response.write(`data: ${new Date().toISOString()}\n\n`);
}

setInterval(() => {
  for (const stream of streams) stream.write(`data: ${new Date().toISOString()}\n\n`);
}, 1_000).unref();

const endStreams = () => {
  for (const stream of streams) stream.end();
};
// A drain has begun.
process.on('message', endStreams);

await serve(server, endStreams);
