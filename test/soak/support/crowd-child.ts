// WebSocket clients that are silent, as a process of its own. Its parent is soak-processes.ts.
import { once } from 'node:events';
import { WebSocket } from 'ws';

const [url, count] = process.argv.slice(2);
/** Handshakes under way at once. */
const AT_ONCE = 100;
const codes: Record<number, number> = {};
let pings = 0;

const open = async () => {
  const socket = new WebSocket(url!, { perMessageDeflate: false });
  socket.on('error', () => {});
  socket.on('ping', () => pings++);
  socket.on('close', (code) => {
    codes[code] = (codes[code] ?? 0) + 1;
  });
  await once(socket, 'open');
};
for (let left = Number(count); left > 0; left -= AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, open));

process.on('message', () => process.send!({ codes, pings }));
process.on('disconnect', () => process.exit());
process.send!({ opened: Number(count) });
