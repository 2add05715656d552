// An endpoint as a process of its own, which can be killed: HTTP that answers with its name (a POST takes a moment), WebSockets that
// echo, and tell the name where they are asked `who?`. Its parent gives it name and port, and is told the port by a line of output; it
// listens when its standard input ends, so that it can be ready before it is needed.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const [name = '', port] = process.argv.slice(2);
const POST_MS = 3;

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    if (request.method === 'POST') setTimeout(() => response.end(name), POST_MS);
    else response.end(name);
  });
});
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(String(data) === 'who?' ? name : data, { binary }));
});
process.stdin.resume().once('end', () => {
  server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
});
