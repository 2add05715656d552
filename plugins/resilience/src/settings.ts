import type { Plugin, Schema } from '@outrigger/core';

/** `limits:` of a cluster. */
export interface LimitSettings {
  readonly connections: number;
  readonly pending: number;
  readonly requests: number;
  readonly streams: number;
  readonly retries: number;
  /** Milliseconds. */
  readonly wait: number;
  readonly endpoint?: { readonly requests?: number; readonly streams?: number };
}

/** `retry:` of a cluster; times in milliseconds. */
export interface RetrySettings {
  readonly attempts: number;
  readonly on: readonly (RetryReason | number)[];
  readonly methods: readonly string[];
  readonly perTryTimeout: number;
  readonly backoff: { readonly base: number; readonly max: number };
  readonly budget: number;
  readonly body: number;
}

export const RETRY_REASONS = ['connect-failure', 'reset', 'timeout', 'handshake', '5xx', 'gateway-error'] as const;
export type RetryReason = (typeof RETRY_REASONS)[number];

export const MIN_RETRIES = 3;

const limits: Schema = {
  connections: {
    doc: 'HTTP exchanges that are under way at once, each on a connection of its own; more wait.',
    format: 'nat',
    default: 1_024,
  },
  pending: { doc: 'HTTP exchanges that may wait.', format: 'nat', default: 1_024 },
  requests: { doc: 'HTTP exchanges under way and waiting together.', format: 'nat', default: 1_024 },
  streams: { doc: 'Open WebSockets, which count nowhere else.', format: 'nat', default: 65_536 },
  retries: {
    doc: 'Retries at once that are always allowed, whatever the budget of retry: says.',
    format: 'nat',
    default: MIN_RETRIES,
  },
  wait: { doc: 'How long an exchange may wait.', format: 'duration', default: '5s' },
  endpoint: {
    requests: {
      doc: 'HTTP exchanges at one endpoint, each on a connection of its own: one that has so many is not picked.',
      format: 'nat',
      optional: true,
    },
    streams: {
      doc: 'Open WebSockets at one endpoint: one that has so many is not picked.',
      format: 'nat',
      optional: true,
    },
  },
};

const retry: Schema = {
  attempts: { doc: 'Further attempts after the first one.', format: 'nat', default: 2 },
  on: {
    doc: 'What is tried again: connect-failure, reset (before the response head), timeout (of the response head), handshake (a WebSocket handshake that is invalid), 5xx, gateway-error (502 to 504), or a status.',
    format: { list: reason },
    default: ['connect-failure', 'reset', 'handshake', 503],
  },
  methods: {
    doc: 'Methods that are tried again beside GET, HEAD, OPTIONS, PUT and DELETE. After a failed connect, every one is.',
    format: { list: String },
    default: [],
  },
  perTryTimeout: {
    doc: 'Time that one attempt may take to its response head, where that is less than timeouts.response.',
    format: 'duration',
    default: 'off',
  },
  backoff: {
    base: {
      doc: 'Wait before a second retry, and before one at the same endpoint, doubled each time and drawn at random from half of it on; a first retry elsewhere does not wait.',
      format: 'duration',
      default: '100ms',
    },
    max: { doc: 'Longest wait.', format: 'duration', default: '2s' },
  },
  budget: { doc: "Retries at once, as a part of the cluster's open sessions.", format: 'ratio', default: 0.2 },
  body: {
    doc: 'How much of a request body is kept, so that it can be sent again.',
    format: 'size',
    max: 65_536,
    default: '64KiB',
  },
};

const section = (doc: string, schema: Schema) => ({ doc, format: { oneOf: [schema] }, optional: true });

/** The keys that this plugin adds to the configuration. */
export const sections: NonNullable<Plugin['sections']> = {
  cluster: {
    limits: section('Refuses with 503 and retry-after what is too much. Off where it is missing.', limits),
    retry: section(
      'What is tried again, instead of failed connects and requests that were reset before an answer.',
      retry,
    ),
  },
};

function reason(value: unknown): void {
  const known = (RETRY_REASONS as readonly unknown[]).includes(value);
  const status = Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599;
  if (!known && !status) throw new Error(`must be one of ${RETRY_REASONS.join(', ')}, or a status from 400 to 599`);
}
