// A WebSocket endpoint that says nothing of itself, as a process of its own. Its parent is soak-processes.ts.
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 4_096 });
sockets.on('connection', (socket) => socket.on('error', () => {}));
process.on('message', () => process.send!({ open: sockets.clients.size }));
process.on('disconnect', () => process.exit());
sockets.on('listening', () => process.send!({ port: (sockets.address() as AddressInfo).port }));
