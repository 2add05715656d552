import { isHttpUrl, OTLP_PROTOCOLS, type OtlpProtocol, type TracingSettings } from './settings.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

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

/** What `OTEL_*` says about traces, as far as the SDK does not read it itself. Undefined: nothing, so the file holds. */
export interface OtelEnvironment {
  readonly disabled: boolean;
  readonly sampler: { readonly name: SamplerName; readonly ratio: number } | undefined;
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

/**
 * Reads what OpenTelemetry specifies ("Environment Variable Specification"). A value that cannot be understood is told to
 * `warn` and counts as not set, an empty one is not set.
 */
export function readEnvironment(env: Environment, warn: (message: string) => void): OtelEnvironment {
  const read = reader(env, warn);
  const queueSize = read.positive('OTEL_BSP_MAX_QUEUE_SIZE', 2048);
  return {
    disabled: env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true',
    sampler: readSampler(read),
    batches: {
      delayMs: read.positive('OTEL_BSP_SCHEDULE_DELAY', 5000),
      queueSize,
      batchSize: Math.min(queueSize, read.positive('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
      timeoutMs: read.positive('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    },
  };
}

/** Where spans go: by the environment, else by the file; undefined where neither says so, or the exporter is `none`. */
export function exportTarget(
  settings: TracingSettings,
  env: Environment,
  warn: (message: string) => void,
): ExportTarget | undefined {
  const read = reader(env, warn);
  const exporters = read.list('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  if (exporters !== undefined && !exporters.includes('otlp')) return undefined;
  const url =
    read.url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ??
    withTracesPath(read.url('OTEL_EXPORTER_OTLP_ENDPOINT')) ??
    (settings.endpoint?.endsWith(TRACES_PATH) ? settings.endpoint : withTracesPath(settings.endpoint)) ??
    // Who asks for OTLP and names no endpoint means the collector on this machine.
    (exporters === undefined ? undefined : `http://localhost:4318${TRACES_PATH}`);
  if (url === undefined) return undefined;
  return {
    url,
    protocol:
      read.choice('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', OTLP_PROTOCOLS) ??
      read.choice('OTEL_EXPORTER_OTLP_PROTOCOL', OTLP_PROTOCOLS) ??
      settings.protocol,
    headers:
      env['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] || env['OTEL_EXPORTER_OTLP_HEADERS'] ? undefined : settings.headers,
  };
}

const TRACES_PATH = '/v1/traces';

function withTracesPath(base: string | undefined): string | undefined {
  return base === undefined ? undefined : base.replace(/\/*$/, TRACES_PATH);
}

function readSampler(read: ReturnType<typeof reader>): OtelEnvironment['sampler'] {
  const name = read.choice('OTEL_TRACES_SAMPLER', SAMPLERS);
  if (name === undefined) return undefined;
  return { name, ratio: name.endsWith('traceidratio') ? read.ratio('OTEL_TRACES_SAMPLER_ARG', 1) : 1 };
}

function reader(env: Environment, warn: (message: string) => void) {
  const text = (name: string) => env[name]?.trim() || undefined;
  const wrong = (name: string, expected: string) => {
    warn(`${name} is "${env[name]}", expected ${expected}; it is ignored`);
    return undefined;
  };
  const number = (name: string, fits: (value: number) => boolean, expected: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    return fits(Number(value)) ? Number(value) : wrong(name, expected);
  };
  return {
    positive: (name: string, fallback: number) =>
      number(name, (value) => Number.isInteger(value) && value > 0, 'a whole number above 0') ?? fallback,
    ratio: (name: string, fallback: number) =>
      number(name, (value) => value >= 0 && value <= 1, 'a number from 0 to 1') ?? fallback,
    choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      return choices.find((choice) => choice === value) ?? wrong(name, `one of ${choices.join(', ')}`);
    },
    /** What is known of a list with commas; undefined where nothing is. */
    list<T extends string>(name: string, choices: readonly T[]): readonly T[] | undefined {
      const values = text(name)?.split(',') ?? [];
      const known = choices.filter((choice) => values.some((value) => value.trim() === choice));
      if (known.length < values.length) wrong(name, `one of ${choices.join(', ')}`);
      return known.length === 0 ? undefined : known;
    },
    url(name: string): string | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      return isHttpUrl(value) ? value : wrong(name, 'an http:// or https:// URL');
    },
  };
}
