import { once } from 'node:events';
import { createServer } from 'node:net';
import type { LogLevel } from '@outrigger/core';
import { WebSocket } from 'ws';
import { standardError } from '../logger.ts';
import { run } from '../run.ts';
import { type Service, startService } from './service.ts';

/** Services, a sidecar in front of them, and a trickle of traffic, until a signal ends it. Resolves to the exit code. */
export async function demo(level: LogLevel): Promise<number> {
  const logger = standardError(level);
  const died = (name: string) =>
    logger.error(`the demo's service ${name} has ended; the sidecar answers without it`, { name });
  const services = await Promise.all([
    startService('chat-1', './chat', died),
    startService('chat-2', './chat', died),
    startService('web', './web', died),
  ]);
  const [one, two, web] = services;
  one.linkTo(two);
  two.linkTo(one);
  const port = await freePort(8080);
  const url = `http://127.0.0.1:${port}`;
  const admin = `127.0.0.1:${await freePort(9901)}`;
  const text = `${configuration(port, services)}admin: { bind: "${admin}" }\n`;
  const traffic = new AbortController();
  try {
    return await run({ text, set: [] }, logger, {
      ready: () => {
        process.stdout.write(welcome(url, `http://${admin}`, services, text));
        void trickle(url, traffic.signal);
      },
      ending: () => {
        traffic.abort();
        // Its streams of events would otherwise be waited for.
        web.tell({ kind: 'ending' });
      },
    });
  } finally {
    traffic.abort();
    await Promise.all(services.map((service) => service.stop()));
  }
}

/** The file that would do the same. */
export function configuration(port: number, [one, two, web]: readonly Pick<Service, 'address'>[]): string {
  return `service: { name: demo }
drain: { timeout: 5s }
listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /ws }, cluster: chat }
      - { cluster: web }
clusters:
  chat: { endpoints: ["${one!.address}", "${two!.address}"] }
  web: { endpoints: ["${web!.address}"] }
`;
}

function welcome(url: string, admin: string, services: readonly Service[], text: string): string {
  const list = services.map(({ name, address }) => `  ${name.padEnd(8)} ${address}`).join('\n');
  const commands = [
    [`curl ${url}/api/time`, 'an answer of the service web'],
    [`curl -d hello ${url}/api/echo`, 'what the sidecar makes of a request'],
    [`curl -N ${url}/api/events`, 'server-sent events, one a second'],
    [`curl ${admin}/sessions`, 'what is open now: your WebSockets, say'],
    [`curl ${admin}/metrics`, 'what is measured'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  return `
Outrigger runs: open ${url}/ in two windows and chat through the sidecar.

Behind it
${list}

Try
${commands.map(([command, what]) => `  ${command.padEnd(width)}  # ${what}`).join('\n')}

The same as a file, for outrigger -c FILE
${text.replace(/^/gm, '  ').trimEnd()}

Ctrl-C drains and ends it.
`;
}

/** The first free port from `first` on; of eleven, or any. */
async function freePort(first: number): Promise<number> {
  for (const port of [...Array.from({ length: 11 }, (_, i) => first + i), 0]) {
    const server = createServer();
    const free = await new Promise<number | undefined>((resolve) => {
      server.once('error', () => resolve(undefined));
      server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    if (free === undefined) continue;
    const closed = once(server, 'close');
    server.close();
    await closed;
    return free;
  }
  throw new Error('no port is free on 127.0.0.1');
}

/** A request every two seconds, and a WebSocket that says something every ten. */
async function trickle(url: string, signal: AbortSignal): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`);
  socket.on('error', () => {});
  for (let i = 0; !signal.aborted; i++) {
    await fetch(`${url}/api/time`, { signal })
      .then((response) => response.text())
      .catch(() => {});
    if (i % 5 === 0 && socket.readyState === WebSocket.OPEN) socket.send(`it is ${new Date().toLocaleTimeString()}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 2_000);
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
    });
  }
  socket.close();
}
