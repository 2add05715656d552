import { ADMIN_BIND, ADMIN_TOKEN, parseAddress, type Schema } from '@outrigger/core';

// The keys that belong to no plugin (DESIGN §7). Keys whose format is `any` are read by `validate`, since what fits there
// depends on the plugins that are loaded.

const bind = (doc: string, ...byDefault: string[]): Schema => ({
  bind: { doc, format: 'address', ...(byDefault[0] !== undefined && { default: byDefault[0] }) },
});

const adminSchema: Schema = {
  ...bind('Address of the admin page and its API.', ADMIN_BIND),
  token: {
    doc: `What everything but the probes and the page must be asked with, as Authorization: Bearer; ${ADMIN_TOKEN.minLength} characters or more.`,
    format: String,
    keywords: ADMIN_TOKEN,
    sensitive: true,
    optional: true,
  },
  tokenFile: { doc: 'A file with the token instead; read again on reload.', format: 'path', optional: true },
};

export const rootSchema: Schema = {
  service: {
    name: { doc: "OpenTelemetry's service.name.", format: String, default: 'outrigger', env: 'OTEL_SERVICE_NAME' },
  },
  admin: {
    doc: 'The admin address; false turns it off.',
    format: { oneOf: [[false], adminSchema] },
    default: { bind: ADMIN_BIND },
  },
  probes: {
    doc: 'An address that serves /livez and /readyz alone; off where it is missing.',
    format: { oneOf: [[false], bind('Address of the probes.')] },
    optional: true,
  },
  drain: {
    delay: {
      doc: 'Time for which a draining sidecar is not ready and still accepts; part of timeout.',
      format: 'duration',
      default: '0s',
    },
    timeout: { doc: 'Time within which everything that is open must end.', format: 'duration', default: '30s' },
    rate: { doc: 'Closes of long-lived sessions per second, at most.', format: 'rate', default: 200 },
    code: {
      doc: 'What WebSockets are closed with: 1001 (going away), or 1012 (service restart) where the sidecar comes back.',
      format: [1001, 1012],
      default: 1001,
    },
  },
  listeners: { doc: 'Addresses to accept on, by name.', format: 'any', optional: true },
  clusters: { doc: 'Sets of equivalent endpoints, by name.', format: 'any', optional: true },
  plugins: {
    doc: 'Settings of built-in plugins, and plugins of your own, in their order.',
    format: 'any',
    optional: true,
  },
};

export const listenerSchema: Schema = {
  protocol: { doc: 'What is spoken there: http is HTTP and WebSocket, https the same over TLS.', format: String },
  bind: { doc: 'Address to accept on; port 0 takes a free one.', format: 'address' },
  direction: {
    doc: 'inbound: towards the service; outbound: from it.',
    format: ['inbound', 'outbound'],
    default: 'inbound',
  },
  cluster: { doc: 'Name of the cluster that everything goes to.', format: String, optional: true },
  routes: { doc: 'What goes to which cluster.', format: 'any', optional: true },
};

export const routeSchema: Schema = {
  cluster: { doc: 'Name of the cluster that what matches goes to.', format: String },
  onChange: {
    doc: 'What becomes of its open WebSockets and event streams when a reload changes the route or takes it away: they stay, or are closed (1012), spread over drain.timeout.',
    format: ['keep', 'drain'],
    default: 'keep',
  },
};

export const clusterSchema: Schema = {
  endpoints: { doc: 'Addresses, or maps with address, weight and metadata.', format: 'any', optional: true },
  discovery: {
    doc: 'Where endpoints come from instead: a map of one name to its settings.',
    format: 'any',
    optional: true,
  },
  balancer: {
    doc: 'Policy by which endpoints are picked: a name, or a map with policy and its settings.',
    format: 'any',
    default: 'round-robin',
  },
  drain: {
    timeout: {
      doc: "How long the sessions of an endpoint that has left the list go on; then WebSockets are closed with 1001, at the pace of the root's drain.rate, and exchanges are ended.",
      format: 'duration',
      default: '5m',
    },
  },
};

export const endpointSchema: Schema = {
  address: { doc: 'host:port, [ipv6]:port or unix:/path.', format: endpointAddress },
  weight: { doc: 'Share of sessions beside the other endpoints.', format: endpointWeight, default: 1 },
  metadata: { doc: 'What policies and plugins may want to know of it.', format: { map: 'any' }, optional: true },
};

/** An address that can be connected to. */
export function endpointAddress(value: unknown): void {
  const address = typeof value === 'string' ? tryParse(value) : undefined;
  if (address === undefined) throw new Error('must be host:port, [ipv6]:port or unix:/path');
  if ('host' in address && (address.host === '' || address.port === 0))
    throw new Error('must name a host, and a port from 1 to 65535');
}

function tryParse(text: string): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}

/** 1 to 256. */
export function endpointWeight(value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 256)
    throw new Error('must be a whole number from 1 to 256');
}
