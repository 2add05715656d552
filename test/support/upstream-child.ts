// An endpoint as a process of its own, which can be killed: HTTP that answers with its name, WebSockets that echo. Its parent
// gives it name and port, and is told the port by a line of output.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { echoMessages } from './upstreams.ts';

const [name, port] = process.argv.slice(2);
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end(name));
});
new WebSocketServer({ server }).on('connection', echoMessages);
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
