import { type Environment, ExporterEnvironment, environmentReader, type OtlpProtocol } from '@outrigger/core/otlp';

/** Where metrics are pushed, and how often. */
export interface PushTarget {
  /** The full URL for metrics. */
  readonly url: string;
  readonly protocol: OtlpProtocol;
  /** From one push to the next, in milliseconds. */
  readonly intervalMs: number;
}

/** What `OTEL_*` says of them, else OpenTelemetry's defaults. A value that cannot be understood is told to `warn`. */
export function pushTarget(env: Environment, warn: (message: string) => void): PushTarget {
  const read = environmentReader(env, warn);
  const otlp = new ExporterEnvironment('metrics', read);
  const protocol = otlp.protocol() ?? 'http/protobuf';
  otlp.checkRest();
  return {
    url: otlp.url(protocol) ?? otlp.localUrl(protocol),
    protocol,
    intervalMs: read.positive('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000,
  };
}
