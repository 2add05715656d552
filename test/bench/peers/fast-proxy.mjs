import { createServer } from 'node:http';
import fastProxy from 'fast-proxy';

const [port, upstream] = process.argv.slice(2);
const { proxy } = fastProxy({ base: `http://127.0.0.1:${upstream}` });
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const rewriteRequestHeaders = (_request, headers) => ({ ...headers, traceparent });
createServer({ keepAliveTimeout: 60_000 }, (request, response) =>
  proxy(request, response, request.url, { rewriteRequestHeaders }),
).listen(Number(port), '127.0.0.1', 4096);
