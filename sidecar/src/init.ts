// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FILE = 'outrigger.yaml';

/** What `outrigger init` writes: valid as it is, for a service on port 3000. */
export const TEMPLATE = `# yaml-language-server: $schema=outrigger.schema.json
# The schema, for completion and checks in your editor:
#   outrigger schema > outrigger.schema.json
# Is this file valid, and what does it do?
#   outrigger check -c outrigger.yaml
#   outrigger explain -c outrigger.yaml
# Run it:
#   outrigger -c outrigger.yaml

# What traces call this service (OTEL_SERVICE_NAME overrides it).
service: { name: my-service }

# SIGTERM begins a drain: no new sessions, and what is open has this long to end.
drain: { timeout: 30s }

listeners:
  # What comes in: HTTP and WebSocket on one port, no switch.
  inbound:
    protocol: http
    bind: "127.0.0.1:\${PORT:-8080}"
    cluster: app
    # Instead of one cluster, routes. Exact hosts and paths come first, then the
    # longest; write routes: in place of cluster: above.
    # routes:
    #   - { match: { path: /ws }, cluster: chat }
    #   - { match: { host: "*.example.com", headers: { x-beta: "1" } }, cluster: app }
    #   - { cluster: app }

  # The same over TLS, HTTPS and WSS; outrigger cert makes certificates for
  # development. With clientCa, clients must prove who they are (mutual TLS).
  # secure:
  #   protocol: https
  #   bind: "0.0.0.0:8443"
  #   tls:
  #     certificates: [{ cert: tls/localhost.crt, key: tls/localhost.key }]
  #     # clientCa: tls/ca.crt
  #     # clientAuth: require
  #   cluster: app

  # What the service sends to others: it calls http://127.0.0.1:15001 with their
  # names as Host, or has HTTP_PROXY set to it.
  # outbound:
  #   protocol: http
  #   direction: outbound
  #   bind: "127.0.0.1:15001"
  #   routes: [{ match: { host: cart }, cluster: cart }]

clusters:
  # Where your service listens. More endpoints take turns.
  app:
    endpoints: ["127.0.0.1:3000"]
    # timeouts: { connect: 5s, response: 5m }
    # No limit by default; beyond these it answers 503.
    # limits: { requests: 1000, streams: 10000 }

  # chat:
  #   endpoints: ["127.0.0.1:4001", { address: "127.0.0.1:4002", weight: 3 }]
  # Endpoints over TLS; with cert and key they are shown who calls.
  # shop:
  #   endpoints: ["shop.internal:8443"]
  #   tls: { ca: tls/ca.crt, cert: tls/localhost.crt, key: tls/localhost.key }
  # Endpoints from DNS: every address of the name is one.
  # cart:
  #   discovery: { dns: { host: cart.internal, port: 8080 } }

# Built-in plugins are loaded anyway; here are their settings, and yours.
plugins:
  - tracing: { sampling: 0.01, atLeast: 1/s }
  # - ./require-header.ts: { header: x-tenant }
`;

/** Writes it into a folder; resolves to its path. Never overwrites: undefined where there is one already. */
export function init(folder: string): string | undefined {
  const path = join(folder, FILE);
  try {
    writeFileSync(path, TEMPLATE, { flag: 'wx' });
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}
