import type { Plugin, Schema } from '@outrigger/core';
import type { Known } from '../src/validate.ts';

const timeout = (doc: string, byDefault: string) => ({ doc, format: 'duration', default: byDefault }) as const;
const file = (doc: string) => ({ doc, format: 'path', optional: true }) as const;
const count = (doc: string, byDefault: number) => ({ doc, format: 'nat', default: byDefault }) as const;

const plugin = (name: string, rest: Omit<Plugin, 'name' | 'bind'>): { plugin: Plugin } => ({
  plugin: { name, bind() {}, ...rest },
});

/** Plugins that declare what DESIGN §7 shows, much as the real ones do. */
export const plugins = [
  plugin('http', {
    sections: {
      listener: {
        trustedPeers: { doc: 'Whose forwarding headers count.', format: { list: 'peer' }, default: [] },
        timeouts: {
          head: timeout('Time for a head.', '10s'),
          body: timeout('Time without a byte of a body.', '30s'),
          write: timeout('Time without a byte read.', '30s'),
          idle: timeout('Time between requests.', '75s'),
        },
      },
      cluster: { timeouts: { connect: timeout('Time to connect.', '5s'), idle: timeout('Time in the pool.', '4s') } },
    },
  }),
  plugin('https', {
    sections: {
      listener: {
        tls: {
          doc: 'Terminates TLS.',
          optional: true,
          format: {
            oneOf: [
              {
                certificates: {
                  doc: 'Pairs.',
                  format: { list: { cert: { doc: 'Chain.', format: 'path' }, key: { doc: 'Key.', format: 'path' } } },
                },
                clientCa: file('Who signs clients.'),
                clientAuth: { doc: 'Whether clients must.', format: ['none', 'request', 'require'], default: 'none' },
                minVersion: { doc: 'Oldest version.', format: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2' },
                strictSni: { doc: 'Refuses unknown names.', format: Boolean, default: false },
              },
            ],
          },
        },
      },
      cluster: {
        tls: {
          doc: 'Originates TLS.',
          optional: true,
          format: {
            oneOf: [
              {
                serverName: { doc: 'SNI.', format: String, optional: true },
                ca: file('Who signs.'),
                cert: file('Ours.'),
                key: file('Its key.'),
                verify: { doc: 'Whether to.', format: Boolean, default: true },
              },
            ],
          },
        },
      },
    },
  }),
  plugin('routing', {
    sections: {
      route: {
        match: {
          host: { doc: 'Host.', format: String, optional: true },
          path: { doc: 'Path.', format: pathPattern, optional: true },
          headers: { doc: 'Headers.', format: { map: String }, optional: true },
        },
      },
    },
  }),
  plugin('resilience', {
    sections: {
      route: { timeouts: { response: { doc: 'Until the head.', format: 'duration', optional: true } } },
      cluster: {
        timeouts: { response: timeout('Until the head.', '5m'), total: timeout('The whole.', 'off') },
        limits: {
          connections: count('Sockets.', 1024),
          pending: count('Waiting.', 1024),
          requests: count('Exchanges.', 1024),
          streams: count('WebSockets.', 65_536),
          retries: count('At once.', 3),
        },
        retry: {
          attempts: count('Tries.', 2),
          on: {
            doc: 'Causes and statuses.',
            format: { list: { oneOf: [['connect-failure', 'reset'], 'int'] } },
            default: ['connect-failure'],
          },
        },
        sticky: {
          doc: 'Keeps clients.',
          format: { oneOf: [{ cookie: { doc: 'Name.', format: String } }] },
          optional: true,
        },
      },
    },
  }),
  plugin('health', {
    sections: {
      cluster: {
        health: {
          doc: 'Active checks.',
          optional: true,
          format: {
            oneOf: [
              {
                http: {
                  doc: 'A request.',
                  format: { oneOf: [{ path: { doc: 'Path.', format: String } }] },
                  optional: true,
                },
                tcp: { doc: 'A connect.', format: { oneOf: [{}] }, optional: true },
                interval: timeout('Between checks.', '2s'),
                timeout: timeout('For one.', '1s'),
                rise: count('Good ones.', 2),
                fall: count('Bad ones.', 3),
              },
            ],
          },
        },
        outlier: {
          consecutive: count('Failures.', 5),
          interval: timeout('Between sweeps.', '10s'),
          ejection: timeout('Out for.', '30s'),
          maxEjected: { doc: 'Part of all.', format: 'ratio', default: 0.1 },
        },
      },
      endpoint: { zone: { doc: 'Where it is.', format: String, optional: true } },
    },
  }),
  plugin('keepalive', {
    config: { websocket: { interval: timeout('Between pings.', '25s'), timeout: timeout('For a pong.', '10s') } },
  }),
  plugin('vault', {
    config: {
      login: {
        doc: 'Who we are there.',
        format: {
          oneOf: [{ user: { doc: 'User.', format: String }, password: { doc: 'Password.', format: String } }],
        },
        optional: true,
        sensitive: true,
      },
      pin: {
        doc: 'Number.',
        optional: true,
        sensitive: true,
        format: (value: unknown) => {
          throw new Error(`${value} is too short`);
        },
      },
      keys: { doc: 'Keys.', format: { list: longText }, default: [], sensitive: true },
    },
  }),
  plugin('tracing', {
    config: {
      sampling: { doc: 'Part.', format: 'ratio', default: 0.01 },
      atLeast: { doc: 'Floor.', format: 'rate', default: '1/s' },
      trust: { doc: 'Whose context.', format: ['all', 'peers', 'none'], default: 'all' },
      endpoint: { doc: 'Collector.', format: String, optional: true, env: 'OTEL_EXPORTER_OTLP_ENDPOINT' },
      token: { doc: 'Credential.', format: String, optional: true, env: 'TRACING_TOKEN', sensitive: true },
      maxBatch: { doc: 'Bytes.', format: 'size', default: '64KiB', max: 1024 ** 3 },
    },
  }),
] as const;

const hash: Schema = { hash: { header: { doc: 'Header.', format: String } } };

/** What stands beside them. */
export const known: Known = {
  plugins,
  // Its examples name files that are not there.
  unreadable: (path) => (path.endsWith('missing.crt') ? 'there is no such file' : undefined),
  protocols: ['http', 'https'],
  balancers: new Map([
    ['round-robin', undefined],
    ['least-request', { choices: { doc: 'How many to look at.', format: 'nat', default: 2 } }],
    ['ring-hash', hash],
  ]),
  discoveries: new Map([
    [
      'dns',
      {
        host: { doc: 'Name.', format: String },
        port: { doc: 'Port.', format: 'port' },
        refresh: timeout('Between look-ups.', '30s'),
      },
    ],
  ]),
};

function longText(value: unknown): void {
  if (String(value).length < 16) throw new Error('must be longer');
}

function pathPattern(value: unknown): void {
  if (typeof value !== 'string' || !/^=?\//.test(value)) throw new Error('must be /x or =/x');
}
