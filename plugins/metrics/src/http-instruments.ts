import type { Counter, LabelValues } from '@outrigger/core';
import type { Declared, Distribution, Registry } from './registry.ts';

/** A histogram with labels. */
export interface Histograms {
  with(...labels: LabelValues): Distribution;
}

/** Methods, statuses and causes of many routes: beyond that all share one series. */
const MAX_SERIES = 2_000;

/** The two that the HTTP conventions of OpenTelemetry (stable) require, with their advice for buckets; and what pools are good for. */
export function httpInstruments(registry: Registry): {
  readonly server: Declared<Distribution>;
  readonly client: Declared<Distribution>;
  readonly connections: Declared<Counter>;
} {
  const server = registry.histogram('http_server_request_duration_seconds', {
    doc: 'Time from a complete request head to the end of its exchange; of a WebSocket to its 101.',
    unit: 's',
    labels: [
      'listener',
      'route',
      'http_route',
      'url_scheme',
      'http_request_method',
      'network_protocol_version',
      'http_response_status_code',
      'error_type',
    ],
    maxSeries: MAX_SERIES,
  });
  const client = registry.histogram('http_client_request_duration_seconds', {
    doc: "Time of an attempt: from its head going up to the response's head; where it failed, from the pick to the failure.",
    unit: 's',
    labels: ['cluster', 'http_request_method', 'http_response_status_code', 'error_type'],
    maxSeries: MAX_SERIES,
  });
  const connections = registry.counter('outrigger_attempt_connections_total', {
    doc: 'Attempts whose connection came out of the pool (reused), and those that one was opened for, or tried to be (opened).',
    labels: ['cluster', 'connection'],
  });
  return { server, client, connections };
}
