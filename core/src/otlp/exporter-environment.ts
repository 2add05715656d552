import type { EnvironmentReader } from './environment.ts';

export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

export type OtlpSignal = 'traces' | 'metrics';

/**
 * What `OTEL_EXPORTER_OTLP_…` say about one signal (OpenTelemetry, "OTLP Exporter Configuration"): what is said for the signal,
 * as in `OTEL_EXPORTER_OTLP_TRACES_…`, holds before what is said for all.
 */
export class ExporterEnvironment {
  readonly #signal: OtlpSignal;
  readonly #read: EnvironmentReader;

  constructor(signal: OtlpSignal, read: EnvironmentReader) {
    this.#signal = signal;
    this.#read = read;
  }

  protocol(): OtlpProtocol | undefined {
    return this.#first('PROTOCOL', (name) => this.#read.choice(name, OTLP_PROTOCOLS));
  }

  /** The URL to send to: by the environment, else by `configured`. Of gRPC scheme, host and port alone, for nothing else counts. */
  url(protocol: OtlpProtocol, configured?: string): string | undefined {
    return protocol === 'grpc' ? this.#grpcUrl(configured) : this.#httpUrl(configured);
  }

  /** The URL of the collector on this machine, which is OpenTelemetry's default. */
  localUrl(protocol: OtlpProtocol): string {
    return protocol === 'grpc' ? 'http://localhost:4317' : `http://localhost:4318${this.#path}`;
  }

  /**
   * Checks what the exporters read themselves (`…_TIMEOUT`, `…_COMPRESSION` and so on), for they keep quiet about it; and tells
   * whether there are `…_HEADERS`.
   */
  checkRest(): { readonly headers: boolean } {
    const read = this.#read;
    this.#first('TIMEOUT', read.positive);
    this.#first('COMPRESSION', (name) => read.choice(name, ['gzip', 'none']));
    for (const option of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY']) this.#first(option, read.file);
    return { headers: this.#first('HEADERS', read.pairs) === true };
  }

  #first<T>(option: string, read: (name: string) => T | undefined): T | undefined {
    return read(this.#own(option)) ?? read(`OTEL_EXPORTER_OTLP_${option}`);
  }

  #own(option: string): string {
    return `OTEL_EXPORTER_OTLP_${this.#signal.toUpperCase()}_${option}`;
  }

  /** What is said for all is a base; what is said for the signal is the whole URL; a configured one may be either. */
  #httpUrl(configured: string | undefined): string | undefined {
    return (
      this.#read.url(this.#own('ENDPOINT')) ??
      this.#withPath(this.#read.url('OTEL_EXPORTER_OTLP_ENDPOINT')) ??
      (configured?.endsWith(this.#path) ? configured : this.#withPath(configured))
    );
  }

  /** Without a scheme, `…_INSECURE` tells whether TLS is spoken; without a port it is that of the scheme. */
  #grpcUrl(configured: string | undefined): string | undefined {
    const scheme = this.#first('INSECURE', this.#read.flag) ? 'http' : 'https';
    const url = this.#first('ENDPOINT', (name) => this.#read.url(name, scheme)) ?? configured;
    return url === undefined ? undefined : new URL(url).origin;
  }

  get #path(): string {
    return `/v1/${this.#signal}`;
  }

  #withPath(base: string | undefined): string | undefined {
    return base?.replace(/\/*$/, this.#path);
  }
}
