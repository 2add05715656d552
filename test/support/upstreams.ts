import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A server that a sidecar forwards to. */
export interface Upstream {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Connections accepted so far. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** node:http, as applications use it. */
export async function httpUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Upstream & { readonly server: Server }> {
  const server = createServer(answer);
  server.keepAliveTimeout = 60_000;
  return Object.assign(await listening(server), { server });
}

/** An upstream that answers with what it got: method, target, header fields as received, body. */
export function echoUpstream(): Promise<Upstream> {
  return httpUpstream((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          method: request.method,
          url: request.url,
          headers: request.rawHeaders,
          trailers: request.rawTrailers,
          body: Buffer.concat(pieces).toString('latin1'),
        }),
      );
    });
  });
}

/** What {@link echoUpstream} says it got. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: string[];
  readonly trailers: string[];
  readonly body: string;
}

/** The value of a field in `rawHeaders`; undefined where it is not there. */
export function field(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}

/** A server that is given each connection with its bytes, and says exactly what it is told. */
export interface RawUpstream extends Upstream {
  /** Everything that came in on all connections, as latin1. */
  readonly received: string;
  /** Connections that are open now. */
  readonly open: ReadonlySet<Socket>;
}

/** `answer` is called with each piece that comes, and with all that has come on that connection. */
export async function rawUpstream(answer: (socket: Socket, all: string, piece: Buffer) => void): Promise<RawUpstream> {
  const state = { received: '' };
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    open.add(socket);
    let all = '';
    socket.on('data', (piece: Buffer) => {
      const text = piece.toString('latin1');
      all += text;
      state.received += text;
      answer(socket, all, piece);
    });
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  const upstream = await listening(server);
  return Object.defineProperties(upstream as RawUpstream, {
    received: { get: () => state.received },
    open: { value: open },
  });
}

/** A WebSocket server (ws); `serve` gets each socket. To a GET it says `plain`, as an event where `/events` is asked. */
export async function webSocketUpstream(
  serve: (socket: WebSocket, request: IncomingMessage) => void,
  options: { perMessageDeflate?: boolean | object; handleProtocols?: (protocols: Set<string>) => string | false } = {},
): Promise<Upstream & { readonly sockets: Set<WebSocket> }> {
  const server = createServer((request, response) => {
    if (!request.url!.endsWith('/events')) return response.end('plain');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: plain\n\n');
    return response.end();
  });
  const webSockets = new WebSocketServer({ server, maxPayload: 1 << 28, ...options });
  webSockets.on('connection', (socket, request) => {
    socket.on('error', () => {});
    serve(socket, request);
  });
  return Object.assign(await listening(server), { sockets: webSockets.clients });
}

/** Answers each message with itself. */
export function echoMessages(socket: WebSocket): void {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
}

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<Upstream> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
