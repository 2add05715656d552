import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Certificate } from './certificate.ts';
import { NO_PROXY } from './marks.ts';
import { compiled } from './native.ts';
import { versionOf, which } from './processes.ts';

/** Where a subject listens, and where it sends. */
export interface Wiring {
  readonly port: number;
  /** All of them, where a subject has several listeners; `port` is the first. */
  readonly ports: readonly number[];
  readonly upstreamPort: number;
  /** A receiver of OTLP that throws everything away. */
  readonly collectorPort: number;
  /** For files of its own; it is there. */
  readonly folder: string;
  /** Set where it is asked over TLS: 1.3, P-256, AES-128-GCM; with session tickets. */
  readonly tls?: Certificate;
}

/** Something that is measured: a proxy with its configuration. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly kind: 'ours' | 'native' | 'npm';
  /** Left out of a quick run. */
  readonly more?: boolean;
  /** Whether it is no proxy: then its cost is nobody's ratio. */
  readonly baseline?: boolean;
  /** Whether its configuration can terminate TLS. */
  readonly tls?: boolean;
  /** Workloads that it is there for; undefined: all. */
  readonly only?: readonly string[];
  /** How many ports it listens on (1). */
  readonly listeners?: number;
  /** How much it has of what is varied, where something is. */
  readonly size?: number;
  command(wiring: Wiring): { readonly command: readonly string[]; readonly env?: NodeJS.ProcessEnv };
}

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Every subject that there can be here, and the names of those that are not installed. */
export function subjects(): { readonly found: readonly Subject[]; readonly missing: readonly string[] } {
  const found: Subject[] = [...ours(ROOT, 'outrigger')];
  const missing: string[] = [];
  for (const [program, make] of Object.entries(NATIVE)) {
    const path = which(program);
    if (path === undefined) missing.push(program);
    else found.push(make(path));
  }
  for (const name of NPM) found.push(npm(name));
  found.push(noProxy());
  return { found, missing };
}

/** The upstream itself, where it matters how long an answer takes without anything in between. */
function noProxy(): Subject {
  return {
    name: NO_PROXY,
    version: '',
    kind: 'native',
    baseline: true,
    more: true,
    only: ['open loop 8,000/s'],
    command: ({ port }) => ({ command: [compiled('upstream'), String(port)] }),
  };
}

/** This project, as built in `root`, with its default plugins; told all by one file. */
export function sidecar(
  root: string,
  name: string,
  text: Configured,
  { env, ...more }: Partial<Subject> & { readonly env?: NodeJS.ProcessEnv } = {},
): Subject {
  return {
    name,
    version: process.versions.node,
    kind: 'ours',
    ...more,
    command: (wiring) => {
      const file = join(wiring.folder, 'outrigger.yaml');
      writeFileSync(file, text(wiring));
      const command = [process.execPath, join(root, 'sidecar/bin/outrigger.js'), '-c', file, '--log-level', 'warn'];
      return { command, ...(env && { env }) };
    },
  };
}

/** As {@link sidecar}, with what the variants change. */
export function ours(root: string, name: string): readonly Subject[] {
  const subject = (
    variant: string,
    tracing: string,
    { plugins = '', ...more }: Partial<Subject> & { plugins?: string } = {},
  ): Subject =>
    sidecar(
      root,
      `${name}${variant}`,
      ({ port, upstreamPort, collectorPort, folder, tls }) => {
        writeFileSync(join(folder, 'hooks.ts'), HOOKS);
        return `admin: false
listeners:
  inbound: { protocol: ${tls ? `https, tls: { certificates: [{ cert: ${tls.cert}, key: ${tls.key} }], curves: P-256 }` : 'http'}, bind: "127.0.0.1:${port}", cluster: app }
clusters:
  app: { endpoints: ["127.0.0.1:${upstreamPort}"] }
plugins:
  - tracing: ${tracing.replace('COLLECTOR', `http://127.0.0.1:${collectorPort}`)}
${plugins}`;
      },
      { ...more, ...(tracing === '{}' && { env: { OTEL_SDK_DISABLED: 'true' } }) },
    );
  const hooks = (count: number) =>
    subject(`, ${count} hooks`, '{}', {
      only: ['GET 128 B'],
      more: true,
      plugins: count === 0 ? '' : `  - ./hooks.ts: { count: ${count} }\n`,
    });
  return [
    subject('', '{ endpoint: "COLLECTOR" }', { tls: true }),
    subject(', tracing off', '{}', { only: ['GET 128 B'], more: true }),
    subject(', tracing 100 %', '{ endpoint: "COLLECTOR", sampling: 1 }', { only: ['GET 128 B'], more: true }),
    subject(', tracing 100 % in memory', '{ sampling: 1 }', { only: ['GET 128 B'], more: true }),
    hooks(1),
    hooks(5),
    subject(', messages plane', '{ endpoint: "COLLECTOR" }', {
      only: ['WS echo 64 B', 'WS echo 16 KiB'],
      more: true,
      plugins: '  - ./hooks.ts: { messages: true }\n',
    }),
  ];
}

const HOOKS = `import { ConnectionHooks, definePlugin } from '@outrigger/core';
export default definePlugin({
  name: 'hooks',
  config: {
    count: { doc: 'Hooks that do nothing.', format: 'nat', default: 0 },
    messages: { doc: 'Whether messages are watched.', format: Boolean, default: false },
  },
  bind(bind, { count, messages }) {
    for (let i = 0; i < count; i++) bind(ConnectionHooks).toConstantValue({ onRequest() {} });
    if (messages) bind(ConnectionHooks).toConstantValue({ onMessage() {} });
  },
});
`;

type Configured = (wiring: Wiring) => string;

/** A program that is told all by one file. */
function native(
  path: string,
  name: string,
  version: string,
  args: (file: string) => readonly string[],
  text: Configured,
): Subject {
  return {
    name,
    version,
    kind: 'native',
    ...(name !== 'HAProxy' && { more: true }),
    tls: name === 'HAProxy' || name === 'nginx',
    command: (wiring) => {
      const file = join(wiring.folder, `${name}.conf`);
      writeFileSync(file, text(wiring));
      return { command: [path, ...args(file)] };
    },
  };
}

const NATIVE: Readonly<Record<string, (path: string) => Subject>> = {
  haproxy: (path) =>
    native(
      path,
      'HAProxy',
      versionOf(path, '-v'),
      (file) => ['-db', '-f', file],
      ({ port, upstreamPort, tls }) => `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  timeout tunnel 1h
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${tls.both} ssl-min-ver TLSv1.3 ciphersuites TLS_AES_128_GCM_SHA256 curves P-256 alpn http/1.1` : ''}
  http-request set-header traceparent ${TRACEPARENT}
  default_backend app
backend app
  server one 127.0.0.1:${upstreamPort} maxconn 9000
`,
    ),
  nginx: (path) =>
    native(
      path,
      'nginx',
      versionOf(path, '-v'),
      (file) => ['-c', file],
      ({ port, upstreamPort, folder, tls }) => `worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log crit;
events { worker_connections 19000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  client_max_body_size 0;
  proxy_request_buffering off; proxy_buffering on; proxy_max_temp_file_size 0;
  keepalive_requests 100000000;
  upstream app { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''} backlog=4096;
${tls ? nginxTls(tls) : ''}
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_read_timeout 1h;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header traceparent ${TRACEPARENT};
    }
  }
}
`,
    ),
  caddy: (path) =>
    native(
      path,
      'Caddy',
      versionOf(path, 'version'),
      (file) => ['run', '--adapter', 'caddyfile', '--config', file],
      ({ port, upstreamPort }) => `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${upstreamPort} {
    header_up traceparent ${TRACEPARENT}
  }
}
`,
    ),
  envoy: (path) =>
    native(
      path,
      'Envoy',
      versionOf(path, '--version'),
      (file) => ['--concurrency', '1', '-l', 'error', '-c', file],
      ({ port, upstreamPort }) => `static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: in
                use_remote_address: true
                upgrade_configs: [{ upgrade_type: websocket }]
                http_filters: [{ name: envoy.filters.http.router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
                route_config: { virtual_hosts: [{ name: all, domains: ["*"], request_headers_to_add: [{ header: { key: traceparent, value: "${TRACEPARENT}" } }], routes: [{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }] }] }
  clusters:
    - name: app
      circuit_breakers: { thresholds: [{ max_connections: 40000, max_requests: 40000 }] }
      load_assignment: { cluster_name: app, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstreamPort} } } } }] }] }
`,
    ),
};

function nginxTls({ cert, key }: Certificate): string {
  return `    ssl_certificate ${cert}; ssl_certificate_key ${key};
    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_ecdh_curve prime256v1; ssl_session_tickets on;`;
}

/** In peers/, each a file. */
const NPM = ['undici', 'http-proxy', 'httpxy', 'fast-proxy', '@fastify/http-proxy'] as const;

function npm(name: string): Subject {
  const file = fileURLToPath(new URL(`../peers/${name.replace(/^@\w+\//, 'fastify-')}.mjs`, import.meta.url));
  const require = createRequire(import.meta.url);
  const manifest = require.resolve
    .paths(name)
    ?.map((folder) => join(folder, name, 'package.json'))
    .find((path) => {
      try {
        return require(path) !== undefined;
      } catch {
        return false;
      }
    });
  const { version } = require(manifest!) as { version: string };
  return {
    name: name === 'undici' ? 'node:http + undici' : name,
    version,
    kind: 'npm',
    ...(name !== 'http-proxy' && { more: true }),
    command: ({ port, upstreamPort }) => ({ command: [process.execPath, file, String(port), String(upstreamPort)] }),
  };
}
