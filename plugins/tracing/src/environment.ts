import { accessSync, constants } from 'node:fs';
import {
  isHttpUrl,
  OTLP_PROTOCOLS,
  type OtlpProtocol,
  PROPAGATORS,
  type Propagator,
  type TracingSettings,
} from './settings.ts';

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

/**
 * Reads what OpenTelemetry specifies ("Environment Variable Specification"). A value that cannot be understood is told to
 * `warn` and counts as not set, an empty one is not set.
 */
export function readEnvironment(env: Environment, warn: (message: string) => void): OtelEnvironment {
  const read = reader(env, warn);
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

/**
 * Where spans go: by the environment, else by the file; undefined where neither says so, or the exporter is `none`. What the
 * exporters read themselves (`…_TIMEOUT`, `…_COMPRESSION` and so on) is checked here, for they keep quiet about it.
 */
export function exportTarget(
  settings: TracingSettings,
  env: Environment,
  warn: (message: string) => void,
): ExportTarget | undefined {
  const read = reader(env, warn);
  const exporters = read.list('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  if (exporters !== undefined && !exporters.includes('otlp')) return undefined;
  const protocol = ofTraces((name) => read.choice(name, OTLP_PROTOCOLS), 'PROTOCOL') ?? settings.protocol;
  const url =
    (protocol === 'grpc' ? grpcUrl(settings, read) : httpUrl(settings, read)) ??
    // Who asks for OTLP and names no endpoint means the collector on this machine.
    (exporters === undefined
      ? undefined
      : protocol === 'grpc'
        ? 'http://localhost:4317'
        : `http://localhost:4318${TRACES_PATH}`);
  if (url === undefined) return undefined;
  ofTraces((name) => read.positive(name), 'TIMEOUT');
  ofTraces((name) => read.choice(name, ['gzip', 'none']), 'COMPRESSION');
  for (const option of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY']) ofTraces(read.file, option);
  const headers = ofTraces(read.pairs, 'HEADERS');
  return { url, protocol, headers: headers ? undefined : settings.headers };
}

/** What is said for traces holds before what is said for every signal. */
function ofTraces<T>(read: (name: string) => T | undefined, option: string): T | undefined {
  const own = read(`OTEL_EXPORTER_OTLP_TRACES_${option}`);
  return own ?? read(`OTEL_EXPORTER_OTLP_${option}`);
}

function httpUrl({ endpoint }: TracingSettings, read: Reader): string | undefined {
  return (
    read.url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ??
    withTracesPath(read.url('OTEL_EXPORTER_OTLP_ENDPOINT')) ??
    (endpoint?.endsWith(TRACES_PATH) ? endpoint : withTracesPath(endpoint))
  );
}

/** Only scheme, host and port count. Without a scheme, `…_INSECURE` tells whether TLS is spoken. */
function grpcUrl({ endpoint }: TracingSettings, read: Reader): string | undefined {
  const scheme = ofTraces(read.flag, 'INSECURE') ? 'http' : 'https';
  const url = ofTraces((name) => read.url(name, scheme), 'ENDPOINT') ?? endpoint;
  return url === undefined ? undefined : new URL(url).origin;
}

const TRACES_PATH = '/v1/traces';

function withTracesPath(base: string | undefined): string | undefined {
  return base === undefined ? undefined : base.replace(/\/*$/, TRACES_PATH);
}

function readSampler(read: Reader): OtelEnvironment['sampler'] {
  const name = read.choice('OTEL_TRACES_SAMPLER', SAMPLERS);
  if (name === undefined) return undefined;
  return { name, ratio: (name.endsWith('traceidratio') ? read.ratio('OTEL_TRACES_SAMPLER_ARG') : undefined) ?? 1 };
}

/** `none` beside others is no propagator. */
function readPropagators(read: Reader): OtelEnvironment['propagators'] {
  const names = read.list('OTEL_PROPAGATORS', [...PROPAGATORS, 'none']);
  return names?.filter((name) => name !== 'none');
}

type Reader = ReturnType<typeof reader>;

/** Values are never told: they may be secrets that were put in the wrong place. Names of choices are read in any case. */
function reader(env: Environment, warn: (message: string) => void) {
  const text = (name: string) => env[name]?.trim() || undefined;
  const wrong = (name: string, expected: string) => {
    warn(`${name} cannot be understood, expected ${expected}; it is ignored`);
    return undefined;
  };
  const number = (name: string, fits: (value: number) => boolean, expected: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    return fits(Number(value)) ? Number(value) : wrong(name, expected);
  };
  return {
    positive: (name: string) => number(name, (value) => Number.isInteger(value) && value > 0, 'a whole number above 0'),
    ratio: (name: string) => number(name, (value) => value >= 0 && value <= 1, 'a number from 0 to 1'),
    /** OpenTelemetry's truth values: whatever is not `true` is false. */
    flag: (name: string): boolean | undefined => {
      const value = text(name)?.toLowerCase();
      if (value !== undefined && value !== 'true' && value !== 'false') wrong(name, 'true or false');
      return value === undefined ? undefined : value === 'true';
    },
    choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return undefined;
      return choices.find((choice) => choice === value) ?? wrong(name, `one of ${choices.join(', ')}`);
    },
    /** What is known of a list with commas; undefined where nothing is. */
    list<T extends string>(name: string, choices: readonly T[]): readonly T[] | undefined {
      const values = [
        ...new Set(
          text(name)
            ?.split(',')
            .map((value) => value.trim().toLowerCase()),
        ),
      ];
      const known = values.filter((value): value is T => (choices as readonly string[]).includes(value));
      if (known.length < values.length) wrong(name, `some of ${choices.join(', ')}`);
      return known.length === 0 ? undefined : known;
    },
    /** Where a `scheme` is given, an address without one will do. */
    url(name: string, scheme?: string): string | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      if (isHttpUrl(value)) return value;
      const withScheme = `${scheme}://${value}`;
      if (scheme !== undefined && !value.includes('://') && isHttpUrl(withScheme)) return withScheme;
      return wrong(name, 'an http:// or https:// URL');
    },
    /** Whether there is a file, which the exporter reads. */
    file: (name: string): true | undefined => {
      const path = text(name);
      if (path === undefined) return undefined;
      try {
        accessSync(path, constants.R_OK);
        return true;
      } catch {
        return wrong(name, 'a file that can be read');
      }
    },
    /** Whether there are `key=value` pairs, which the exporter reads. */
    pairs: (name: string): true | undefined => {
      const value = text(name);
      if (value === undefined) return undefined;
      return value.split(',').every((pair) => pair.trim() === '' || pair.indexOf('=') > 0)
        ? true
        : wrong(name, 'key=value pairs with commas between them');
    },
  };
}
