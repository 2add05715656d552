import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LogLevel } from '@outrigger/core';
import { WebSocket } from 'ws';
import { writeCertificates } from '../cert.ts';
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
  const ports = { plain: await freePort(8080), secure: await freePort(8443) };
  const url = `http://127.0.0.1:${ports.plain}`;
  const admin = `127.0.0.1:${await freePort(9901)}`;
  const certificates = await certificatesFor();
  const textWith = (folder: string) => `${configuration(ports, services, folder)}admin: { bind: "${admin}" }\n`;
  const traffic = new AbortController();
  try {
    return await run({ text: textWith(certificates.folder), set: [] }, logger, {
      ready: () => {
        const secure = { url: `https://localhost:${ports.secure}`, ca: join(certificates.folder, 'ca.crt') };
        process.stdout.write(welcome(url, secure, `http://${admin}`, services, textWith('tls')));
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
    certificates.remove();
  }
}

/** Those that `outrigger cert` has left here, so that who trusts them once trusts every demo; else made for this one. */
async function certificatesFor(): Promise<{ readonly folder: string; remove(): void }> {
  const here = resolve('tls');
  if (['ca.crt', 'localhost.crt', 'localhost.key'].every((file) => existsSync(join(here, file))))
    return { folder: here, remove() {} };
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-demo-'));
  await writeCertificates(folder, []);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The file that would do the same, with certificates in `folder`. */
export function configuration(
  { plain, secure }: { readonly plain: number; readonly secure: number },
  [one, two, web]: readonly Pick<Service, 'address'>[],
  folder: string,
): string {
  const routes = `routes:
      - { match: { path: /ws }, cluster: chat }
      - { cluster: web }`;
  return `service: { name: demo }
drain: { timeout: 5s }
listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:${plain}"
    ${routes}
  secure:
    protocol: https
    bind: "127.0.0.1:${secure}"
    tls: { certificates: [{ cert: "${folder}/localhost.crt", key: "${folder}/localhost.key" }] }
    ${routes}
clusters:
  chat: { endpoints: ["${one!.address}", "${two!.address}"] }
  web: { endpoints: ["${web!.address}"] }
`;
}

function welcome(
  url: string,
  secure: { readonly url: string; readonly ca: string },
  admin: string,
  services: readonly Service[],
  text: string,
): string {
  const list = services.map(({ name, address }) => `  ${name.padEnd(8)} ${address}`).join('\n');
  const commands = [
    [`curl ${url}/api/time`, 'an answer of the service web'],
    [`curl -d hello ${url}/api/echo`, 'what the sidecar makes of a request'],
    [`curl -N ${url}/api/events`, 'server-sent events, one a second'],
    [`curl --cacert ${secure.ca} ${secure.url}/api/time`, 'the same over TLS'],
    [`curl ${admin}/sessions`, 'what is open now: your WebSockets, say'],
    [`curl ${admin}/metrics`, 'what is measured'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  return `
Outrigger runs: open ${url}/ in two windows and chat through the sidecar.
Over TLS (HTTPS and WSS): ${secure.url}/
Its certificate is of ${secure.ca}: browsers warn until they trust that.

Behind it
${list}

Try
${commands.map(([command, what]) => `  ${command.padEnd(width)}  # ${what}`).join('\n')}

The same as a file, for outrigger -c FILE (outrigger cert makes what is in tls/)
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
