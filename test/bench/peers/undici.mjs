import { createServer } from 'node:http';
import { Pool } from 'undici';

const [port, upstream] = process.argv.slice(2);
const pool = new Pool(`http://127.0.0.1:${upstream}`, { connections: 128, pipelining: 1 });
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect']);
const without = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.has(name)));

createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const { method, url: path, headers } = request;
  const body = method === 'GET' || method === 'HEAD' ? null : request;
  const sent = { ...without(headers), traceparent, 'x-forwarded-for': request.socket.remoteAddress };
  pool
    .stream({ method, path, headers: sent, body }, ({ statusCode, headers: received }) => {
      response.writeHead(statusCode, without(received));
      return response;
    })
    .catch(() => response.destroy());
}).listen(Number(port), '127.0.0.1', 4096);
