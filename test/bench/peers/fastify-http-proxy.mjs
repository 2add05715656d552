import proxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [port, upstream] = process.argv.slice(2);
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const app = fastify();
await app.register(proxy, {
  upstream: `http://127.0.0.1:${upstream}`,
  websocket: true,
  replyOptions: { rewriteRequestHeaders: (_request, headers) => ({ ...headers, traceparent }) },
});
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
