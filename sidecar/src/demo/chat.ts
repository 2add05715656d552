import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { name, serve } from './child.ts';

/** One instance of the chat service: says who it is, and sends each line to everybody; `relay` comes from the other instance. */
const server = createServer((_request, response) => response.writeHead(426).end());
const sockets = new WebSocketServer({ server, maxPayload: 64 * 1024 });

const say = (line: object) => {
  const text = JSON.stringify(line);
  for (const socket of sockets.clients) socket.send(text);
};

sockets.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.send(JSON.stringify({ kind: 'hello', instance: name }));
  socket.on('message', (data) => {
    const line = { kind: 'line', instance: name, text: String(data).slice(0, 1000) };
    say(line);
    process.send?.(line);
  });
});
process.on('message', say);

await serve(server, () => {
  for (const socket of sockets.clients) socket.close(1001, 'the chat service ends');
});
