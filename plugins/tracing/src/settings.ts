import type { Schema } from '@outrigger/core';
import { isHttpUrl, OTLP_PROTOCOLS, type OtlpProtocol } from '@outrigger/core/otlp';
import type { Trust } from './trust.ts';

/** What is written behind `tracing:` in the file, and the name of its `service:`. */
export interface TracingSettings {
  /** OpenTelemetry's `service.name`: the program that composes puts it here. Default `outrigger`. */
  readonly serviceName?: string;
  readonly sampling: number;
  /** Per second. */
  readonly atLeast: number;
  readonly trust: Trust;
  readonly propagators: readonly Propagator[];
  /** Milliseconds; Infinity: as long as the session. */
  readonly segment: number;
  /** Share of the messages of sampled WebSockets that is recorded. */
  readonly messages: number;
  readonly endpoint: string | undefined;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
}

/** Formats of trace context, by OpenTelemetry's names. */
export const PROPAGATORS = ['tracecontext', 'baggage', 'b3', 'b3multi'] as const;
export type Propagator = (typeof PROPAGATORS)[number];

export const settings: Schema<Omit<TracingSettings, 'serviceName'>> = {
  sampling: { doc: 'Share of the traces beginning here that is recorded.', format: 'ratio', default: 0.01 },
  atLeast: {
    doc: 'Traces beginning here that are recorded in any case, so that a quiet service is seen.',
    format: 'rate',
    default: 1,
  },
  trust: {
    doc: "Whose trace context is continued: of all, of none, or of the listener's `trustedPeers`.",
    format: ['all', 'none', 'peers'],
    default: 'all',
  },
  propagators: {
    doc: 'Formats of trace context that are read and written: `tracecontext` (W3C), `b3` (one header), `b3multi`. `baggage` passes in any case.',
    format: { list: PROPAGATORS },
    default: ['tracecontext', 'baggage'],
  },
  segment: {
    doc: 'What a span of an open WebSocket covers at most; there is one at its end in any case. `off`: that one alone.',
    format: 'duration',
    default: 60_000,
  },
  messages: {
    doc: 'Share of the messages of sampled WebSockets that has a span each. Above 0, those WebSockets have their messages taken apart.',
    format: 'ratio',
    default: 0,
  },
  endpoint: {
    doc: 'Where spans are sent by OTLP; for HTTP `/v1/traces` is added unless it is there. Without one they are kept for `/traces` alone.',
    format: httpUrl,
    optional: true,
  },
  protocol: { doc: 'How spans are encoded.', format: OTLP_PROTOCOLS, default: 'http/protobuf' },
  headers: {
    doc: 'Headers sent with the spans, such as an API key.',
    format: { map: String },
    default: {},
    sensitive: true,
  },
};

function httpUrl(value: unknown): void {
  if (typeof value !== 'string' || !isHttpUrl(value))
    throw new Error('must be an http:// or https:// URL such as http://127.0.0.1:4318');
}
