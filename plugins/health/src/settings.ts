import type { Plugin, Schema } from '@outrigger/core';

/** `health:` of a cluster; times in milliseconds. Without one of the three kinds nothing is checked. */
export interface HealthSettings {
  readonly tcp?: object;
  readonly http?: { readonly path: string; readonly status?: number | readonly number[]; readonly host?: string };
  readonly websocket?: {
    readonly path: string;
    readonly host?: string;
    readonly send?: string;
    readonly expect?: string;
  };
  readonly interval: number;
  readonly timeout: number;
  readonly rise: number;
  readonly fall: number;
  readonly jitter: number;
}

/** `outlier:` of a cluster; times in milliseconds. */
export interface OutlierSettings {
  readonly connects: number;
  readonly consecutive: number;
  readonly gateway: number;
  readonly handshakes: number;
  readonly closes: number;
  readonly interval: number;
  readonly ejection: number;
  readonly maxEjection: number;
  readonly maxEjected: number;
  readonly successRate: { readonly endpoints: number; readonly requests: number; readonly factor: number };
}

/** `slowStart:` of a cluster. */
export interface SlowStartSettings {
  /** Milliseconds. */
  readonly window: number;
  readonly aggression: number;
  readonly minWeight: number;
}

const host = {
  doc: "Host that the check names; the endpoint's address where it is missing.",
  format: String,
  optional: true,
};
const path = (doc: string) => ({ doc, format: requestTarget, default: '/' });

const health: Schema = {
  tcp: { doc: 'Checks that the endpoint accepts a connection: {}.', format: { oneOf: [{}] }, optional: true },
  http: {
    doc: 'Checks the answer to a GET.',
    format: {
      oneOf: [
        {
          path: path('Path that is asked for, with its query.'),
          status: {
            doc: 'Status that is expected, or a list of them; any from 200 to 399 where it is missing.',
            format: { oneOf: ['int', { list: 'int' }] },
            optional: true,
          },
          host,
        },
      ],
    },
    optional: true,
  },
  websocket: {
    doc: 'Checks that a WebSocket opens, and that a ping is answered.',
    format: {
      oneOf: [
        {
          path: path('Path of the handshake.'),
          host,
          send: {
            doc: 'Text message that is sent when it is open, of 64 KiB at most.',
            format: message,
            optional: true,
          },
          expect: { doc: 'Text that a message of the endpoint must have in it.', format: String, optional: true },
        },
      ],
    },
    optional: true,
  },
  interval: {
    doc: 'From one check to the next; a quarter of it while checks contradict what is known.',
    format: 'duration',
    default: '2s',
  },
  timeout: { doc: 'Time that a check may take.', format: 'duration', default: '1s' },
  rise: { doc: 'Checks in a row that must pass for an endpoint that is out to come in.', format: positive, default: 2 },
  fall: {
    doc: 'Checks in a row that must fail for an endpoint that is in to be taken out.',
    format: positive,
    default: 3,
  },
  jitter: {
    doc: 'Part of the interval by which it is shortened or lengthened at random.',
    format: 'ratio',
    default: 0.1,
  },
};

const inARow = (what: string, byDefault = 5) => ({
  doc: `${what} in a row that eject an endpoint; 0: never.`,
  format: 'nat' as const,
  default: byDefault,
});

const outlier: Schema = {
  connects: inARow('Connects that fail, whatever is answered on connections that were open before,', 3),
  consecutive: inARow('Answers with 5xx, and attempts without an answer,'),
  gateway: inARow('Answers with 502, 503, 504, and attempts without an answer,'),
  handshakes: inARow('WebSocket handshakes that fail, or are answered with 5xx,'),
  closes: inARow('WebSockets that the endpoint ends abnormally (1006, 1011, 1013; never 1000, 1001)'),
  interval: { doc: 'From one look at the success rates to the next.', format: 'duration', default: '10s' },
  ejection: {
    doc: 'How long an endpoint is out, times the number of its ejections; one is forgotten in each interval that it is in.',
    format: 'duration',
    default: '30s',
  },
  maxEjection: { doc: 'Longest ejection.', format: 'duration', default: '5m' },
  maxEjected: {
    doc: 'Part of the endpoints that may be ejected at once, but one at least, and never the last that is in.',
    format: 'ratio',
    default: 0.1,
  },
  successRate: {
    endpoints: {
      doc: 'Endpoints that must have had enough requests for their success rates to be compared.',
      format: positive,
      default: 5,
    },
    requests: { doc: 'Requests in an interval that are enough.', format: positive, default: 100 },
    factor: {
      doc: 'An endpoint is ejected whose success rate is so many standard deviations below the mean; 0: none is.',
      format: fromZero,
      default: 1.9,
    },
  },
};

const slowStart: Schema = {
  window: { doc: 'Time in which an endpoint that arrived or recovered comes to its whole weight.', format: 'duration' },
  aggression: { doc: 'Above 1 the weight grows faster at first, below 1 more slowly.', format: aboveZero, default: 1 },
  minWeight: { doc: 'Part of the weight that it begins with.', format: 'ratio', default: 0.1 },
};

const section = (doc: string, schema: Schema) => ({ doc, format: { oneOf: [schema] }, optional: true });

/** The keys that this plugin adds to the configuration. */
export const sections: NonNullable<Plugin['sections']> = {
  cluster: {
    health: section('Active checks: one of tcp, http, websocket. Off where it is missing.', health),
    outlier: section('Ejects endpoints that fail where others do not. Off where it is missing.', outlier),
    panicThreshold: {
      doc: 'Where less than this part of the endpoints is in, all are picked, whatever health: and outlier: say of them; 0: never.',
      format: 'ratio',
      default: 0.5,
    },
    slowStart: section('Lets new endpoints warm up. Off where it is missing.', slowStart),
  },
};

function positive(value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1) throw new Error('must be a whole number from 1');
}

function fromZero(value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0)) throw new Error('must be a number from 0');
}

function aboveZero(value: unknown): void {
  if (typeof value !== 'number' || !(value > 0)) throw new Error('must be a number above 0');
}

function message(value: unknown): void {
  if (typeof value !== 'string' || Buffer.byteLength(value) > 65_535)
    throw new Error('must be a text of 64 KiB at most');
}

function requestTarget(value: unknown): void {
  if (typeof value !== 'string' || !/^\/[\x21-\x7e]*$/.test(value)) throw new Error('must be a path such as /healthz');
}
