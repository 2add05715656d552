import type { Plugin } from '@outrigger/core';
import { type CertificateDetail, DETAILS } from './forwarded-certificate.ts';

/** `timeouts:` of a listener, in milliseconds. */
export interface ListenerTimeouts {
  readonly head: number;
  readonly body: number;
  readonly write: number;
  readonly idle: number;
}

/** `timeouts:` of a cluster; a route may say `response` and `total` otherwise. */
export interface ClusterTimeouts {
  readonly connect: number;
  readonly response: number;
  readonly total: number;
  readonly idle: number;
}

export interface WebSocketSettings {
  /** `auto`: frames, or messages where a plugin watches them. `bytes`: an opaque tunnel after the 101. */
  readonly plane: 'auto' | 'bytes';
  /** Bytes of one message, on the messages plane after inflating; Infinity is `off`. */
  readonly maxMessageSize: number;
}

/** Probes of the kernel, in milliseconds; Infinity is `off`. */
export interface TcpSettings {
  readonly keepalive: number;
}

export interface ListenerSettings {
  readonly trustedPeers: readonly string[];
  readonly clientCertificateDetails: readonly CertificateDetail[];
  readonly timeouts: ListenerTimeouts;
  readonly websocket: WebSocketSettings;
  readonly tcp: TcpSettings;
}

export interface RouteSettings {
  readonly timeouts?: { readonly response?: number; readonly total?: number };
}

export interface ClusterSettings {
  readonly timeouts: ClusterTimeouts;
  readonly pool: { readonly idle: number };
  readonly tcp: TcpSettings;
}

const TCP_DEFAULTS: TcpSettings = { keepalive: Number.POSITIVE_INFINITY };
const tcpKeepalive = (doc: string) => ({
  doc: `${doc}; off: one system call less for each.`,
  format: 'duration' as const,
  default: TCP_DEFAULTS.keepalive,
});

const LISTENER_DEFAULTS: ListenerSettings = {
  trustedPeers: [],
  clientCertificateDetails: ['subject', 'uri', 'dns'],
  timeouts: { head: 10_000, body: 30_000, write: 30_000, idle: 75_000 },
  websocket: { plane: 'auto', maxMessageSize: 16 * 1024 * 1024 },
  tcp: TCP_DEFAULTS,
};

const CLUSTER_DEFAULTS: ClusterSettings = {
  timeouts: { connect: 5_000, response: 300_000, total: Number.POSITIVE_INFINITY, idle: 4_000 },
  pool: { idle: 256 },
  tcp: TCP_DEFAULTS,
};

/** The keys that this plugin adds to the configuration. */
export const sections: NonNullable<Plugin['sections']> = {
  listener: {
    trustedPeers: {
      doc: 'Whose X-Forwarded-*, Forwarded and client-certificate headers are believed: networks, and SPIFFE IDs that a client proves (`spiffe://mesh/ns/a/*`: every one below).',
      format: { list: 'peer' },
      default: LISTENER_DEFAULTS.trustedPeers,
    },
    clientCertificateDetails: {
      doc: "What x-forwarded-client-cert says of a client's certificate beside By and Hash (Envoy's set_current_client_cert_details).",
      format: { list: DETAILS },
      default: LISTENER_DEFAULTS.clientCertificateDetails,
    },
    timeouts: {
      head: {
        doc: 'From the first byte of a request to the end of its head.',
        format: 'duration',
        default: LISTENER_DEFAULTS.timeouts.head,
      },
      body: {
        doc: 'Between two pieces of a request body.',
        format: 'duration',
        default: LISTENER_DEFAULTS.timeouts.body,
      },
      write: { doc: 'How long a reader may not read.', format: 'duration', default: LISTENER_DEFAULTS.timeouts.write },
      idle: {
        doc: 'How long a connection is kept between two requests.',
        format: 'duration',
        default: LISTENER_DEFAULTS.timeouts.idle,
      },
    },
    websocket: {
      plane: {
        doc: 'auto: frames pass untouched, messages are taken apart where a plugin watches them. bytes: an opaque tunnel.',
        format: ['auto', 'bytes'],
        default: LISTENER_DEFAULTS.websocket.plane,
      },
      maxMessageSize: {
        doc: 'Largest WebSocket message; a larger one closes both sides with 1009.',
        format: 'size',
        default: LISTENER_DEFAULTS.websocket.maxMessageSize,
      },
    },
    tcp: { keepalive: tcpKeepalive('Silence after which the kernel probes a client (TCP keepalive)') },
  },
  route: {
    timeouts: {
      response: { doc: "Instead of the cluster's timeouts.response.", format: 'duration', optional: true },
      total: { doc: "Instead of the cluster's timeouts.total.", format: 'duration', optional: true },
    },
  },
  cluster: {
    timeouts: {
      connect: {
        doc: 'Until the endpoint has accepted.',
        format: 'duration',
        default: CLUSTER_DEFAULTS.timeouts.connect,
      },
      response: {
        doc: "From the request to the end of the response's head.",
        format: 'duration',
        default: CLUSTER_DEFAULTS.timeouts.response,
      },
      total: {
        doc: 'The whole HTTP exchange; WebSockets are not meant.',
        format: 'duration',
        default: CLUSTER_DEFAULTS.timeouts.total,
      },
      idle: {
        doc: 'How long a pooled connection is kept, less where Keep-Alive says so.',
        format: 'duration',
        default: CLUSTER_DEFAULTS.timeouts.idle,
      },
    },
    pool: {
      idle: { doc: 'Idle connections kept for each endpoint.', format: 'nat', default: CLUSTER_DEFAULTS.pool.idle },
    },
    tcp: { keepalive: tcpKeepalive('Silence after which the kernel probes an endpoint (TCP keepalive)') },
  },
};

/** A listener's or cluster's settings as this plugin reads them; the defaults where the section is missing (tests). */
export function listenerSettings(settings: Readonly<Record<string, unknown>>): ListenerSettings {
  return settings['timeouts'] === undefined
    ? { ...LISTENER_DEFAULTS, ...settings }
    : (settings as unknown as ListenerSettings);
}

export function clusterSettings(settings: Readonly<Record<string, unknown>>): ClusterSettings {
  return settings['timeouts'] === undefined
    ? { ...CLUSTER_DEFAULTS, ...settings }
    : (settings as unknown as ClusterSettings);
}
