import type { Schema } from '@outrigger/core';
import type { Trust } from './trust.ts';

/** What is written behind `tracing:` in the file, and the name of its `service:`. */
export interface TracingSettings {
  /** OpenTelemetry's `service.name`: the program that composes puts it here. Default `outrigger`. */
  readonly serviceName?: string;
  readonly sampling: number;
  /** Per second. */
  readonly atLeast: number;
  readonly trust: Trust;
  readonly endpoint: string | undefined;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
}

export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json'] as const;
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

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
  endpoint: {
    doc: 'Where spans are sent by OTLP/HTTP; `/v1/traces` is added unless it is there. Without one, none are.',
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

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
