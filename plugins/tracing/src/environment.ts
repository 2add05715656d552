import {
  type Environment,
  type EnvironmentReader,
  ExporterEnvironment,
  environmentReader,
  type OtlpProtocol,
} from '@outrigger/core/otlp';
import { PROPAGATORS, type Propagator, type TracingSettings } from './settings.ts';

export type { Environment } from '@outrigger/core/otlp';

/** Samplers by the names that OpenTelemetry gives them. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** What `OTEL_*` says about traces, but for where they go. Undefined: nothing, so the file holds. */
export interface OtelEnvironment {
  readonly disabled: boolean;
  readonly sampler: { readonly name: SamplerName; readonly ratio: number } | undefined;
  /** Empty: none. */
  readonly propagators: readonly Propagator[] | undefined;
  readonly batches: BatchLimits;
}

export interface BatchLimits {
  /** From a span's end to its export, at most, in milliseconds. */
  readonly delayMs: number;
  /** Spans that wait at most; more are dropped. */
  readonly queueSize: number;
  /** Spans that are exported together at most. */
  readonly batchSize: number;
  /** Until an export has been answered, in milliseconds. */
  readonly timeoutMs: number;
}

/** Where spans go. */
export interface ExportTarget {
  /** The full URL for traces. */
  readonly url: string;
  readonly protocol: OtlpProtocol;
  /** Undefined: those of the environment, which the exporter reads. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/** A value that cannot be understood is told to `warn`, and counts as not set. */
export function readEnvironment(env: Environment, warn: (message: string) => void): OtelEnvironment {
  const read = environmentReader(env, warn);
  const queueSize = read.positive('OTEL_BSP_MAX_QUEUE_SIZE') ?? 2048;
  return {
    disabled: env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true',
    sampler: readSampler(read),
    propagators: readPropagators(read),
    batches: {
      delayMs: read.positive('OTEL_BSP_SCHEDULE_DELAY') ?? 5000,
      queueSize,
      batchSize: Math.min(queueSize, read.positive('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? 512),
      timeoutMs: read.positive('OTEL_BSP_EXPORT_TIMEOUT') ?? 30_000,
    },
  };
}

/** Where spans go: by the environment, else by the file; undefined where neither says so, or the exporter is `none`. */
export function exportTarget(
  settings: TracingSettings,
  env: Environment,
  warn: (message: string) => void,
): ExportTarget | undefined {
  const read = environmentReader(env, warn);
  const exporters = read.list('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  if (exporters !== undefined && !exporters.includes('otlp')) return undefined;
  const otlp = new ExporterEnvironment('traces', read);
  const protocol = otlp.protocol() ?? settings.protocol;
  // Who asks for OTLP and names no endpoint means the collector on this machine.
  const url = otlp.url(protocol, settings.endpoint) ?? (exporters && otlp.localUrl(protocol));
  if (url === undefined) return undefined;
  return { url, protocol, headers: otlp.checkRest().headers ? undefined : settings.headers };
}

function readSampler(read: EnvironmentReader): OtelEnvironment['sampler'] {
  const name = read.choice('OTEL_TRACES_SAMPLER', SAMPLERS);
  if (name === undefined) return undefined;
  return { name, ratio: (name.endsWith('traceidratio') ? read.ratio('OTEL_TRACES_SAMPLER_ARG') : undefined) ?? 1 };
}

/** `none` beside others is no propagator. */
function readPropagators(read: EnvironmentReader): OtelEnvironment['propagators'] {
  const names = read.list('OTEL_PROPAGATORS', [...PROPAGATORS, 'none']);
  return names?.filter((name) => name !== 'none');
}
