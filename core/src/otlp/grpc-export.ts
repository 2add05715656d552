import type { AgentOptions } from 'node:https';
import type { GrpcCall, GrpcOptions } from './grpc-call.ts';

/** What OpenTelemetry's reader of `OTEL_EXPORTER_OTLP_*` has found. */
export interface ExportConfig {
  readonly timeoutMillis: number;
  readonly compression: string;
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Its options have `ca`, `cert` and `key`. */
  agentFactory(protocol: string): unknown;
}

// As OpenTelemetry's own exporters wait before they try again.
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;
const FACTOR = 1.5;
const JITTER = 0.2;

/** Sends requests of one signal by OTLP/gRPC, over a connection that is made for the first one: HTTP/2 is loaded with it. */
export class GrpcExport {
  readonly #url: string;
  readonly #path: string;
  readonly #config: ExportConfig;
  #call: Promise<GrpcCall> | undefined;

  /** `path`: of the service's method, as `/package.Service/Method`. */
  constructor(url: string, path: string, config: ExportConfig) {
    this.#url = url;
    this.#path = path;
    this.#config = config;
  }

  /**
   * Resolves to the collector's answer. It tries again where the status says that this may help, within the configured timeout;
   * then it rejects with the last failure.
   */
  async send(request: Uint8Array): Promise<Uint8Array> {
    const { GrpcCall, isRetryable } = await import('./grpc-call.ts');
    this.#call ??= this.#options().then((options) => new GrpcCall(this.#url, this.#path, options));
    const call = await this.#call;
    const deadline = performance.now() + this.#config.timeoutMillis;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * FACTOR, LONGEST_PAUSE_MS)) {
      try {
        return await call.send(request, deadline - performance.now());
      } catch (error) {
        const wait = isRetryable(error)
          ? (error.retryAfterMs ?? pause * (1 + JITTER * (2 * Math.random() - 1)))
          : undefined;
        if (wait === undefined || performance.now() + wait > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  async close(): Promise<void> {
    (await this.#call)?.close();
  }

  async #options(): Promise<GrpcOptions> {
    const { compression } = this.#config;
    const agent = this.#url.startsWith('https:') ? await this.#config.agentFactory('https:') : undefined;
    const { ca, cert, key } = (agent as { readonly options: AgentOptions } | undefined)?.options ?? {};
    return { metadata: await this.#config.headers(), gzip: compression === 'gzip', tls: { ca, cert, key } };
  }
}
