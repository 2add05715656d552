import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Receives OTLP over HTTP, and throws it away. Prints its port. */
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
