import type { Plugin, Schema } from '@outrigger/core';

/** The plugin's own settings; times in milliseconds, Infinity is `off`. */
export interface KeepaliveSettings {
  readonly websocket: { readonly interval: number; readonly timeout: number };
  readonly eventStream: { readonly interval: number };
  readonly idleTimeout: number;
  readonly maxAge: number;
}

/** `keepalive:` of a listener, for the leg towards the client, or of a cluster, for the one towards the endpoint. */
export interface LegSection {
  readonly peerIdleTimeout?: number;
  readonly interval?: number;
  readonly timeout?: number;
}

/** `keepalive:` of a listener or a route. */
export interface LimitSection {
  readonly idleTimeout?: number;
  readonly maxAge?: number;
}

/** Half of what nginx, ALB and most others allow (60 s), and less. */
const INTERVAL = '25s';

export const config: Schema<KeepaliveSettings> = {
  websocket: {
    interval: {
      doc: 'A side of a WebSocket from which nothing came for so long is sent a Ping; up to 15 % earlier, at random.',
      format: 'duration',
      default: INTERVAL as unknown as number,
    },
    timeout: {
      doc: 'A side that then neither answers nor sends anything for so long is given up.',
      format: 'duration',
      default: '10s' as unknown as number,
    },
  },
  eventStream: {
    interval: {
      doc: 'Server-sent events that pause for so long get a comment between two of them; up to 15 % earlier, at random.',
      format: 'duration',
      default: INTERVAL as unknown as number,
    },
  },
  idleTimeout: {
    doc: 'A WebSocket that carries no message for so long is closed with 1001; pings are no messages.',
    format: 'duration',
    default: 'off' as unknown as number,
  },
  maxAge: {
    doc: 'A WebSocket is closed with 1001, an event stream ended, at that age; up to 10 % earlier, at random.',
    format: 'duration',
    default: 'off' as unknown as number,
  },
};

const optional = (doc: string) => ({ doc, format: 'duration' as const, optional: true });

const leg: Schema = {
  peerIdleTimeout: optional('What the other side cuts idle connections after: half of it is the interval here.'),
  interval: optional('The interval on this leg; where peerIdleTimeout is given, too, the shorter one holds.'),
  timeout: optional('The timeout on this leg.'),
};

const limits: Schema = {
  idleTimeout: optional('Instead of the idleTimeout in plugins:.'),
  maxAge: optional('Instead of the maxAge in plugins:.'),
};

const section = (doc: string, schema: Schema) => ({ doc, format: { oneOf: [schema] }, optional: true });

/** The keys that this plugin adds to the configuration. */
export const sections: NonNullable<Plugin['sections']> = {
  listener: {
    keepalive: section('Keeps the leg towards the client alive; what is missing is as in plugins:.', {
      ...leg,
      ...limits,
    }),
  },
  route: { keepalive: section('Ends of WebSockets and event streams on this route.', limits) },
  cluster: {
    keepalive: section(
      'Keeps the leg towards the endpoint alive; pooled connections go after half of peerIdleTimeout, too.',
      leg,
    ),
  },
};
