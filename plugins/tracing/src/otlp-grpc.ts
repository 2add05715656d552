import type { Agent } from 'node:https';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import type { Resource } from '@opentelemetry/resources';
import type { ExportTarget } from './environment.ts';
import { GrpcCall, type GrpcOptions, isRetryable } from './grpc-call.ts';
import type { SpanExporter } from './otlp-exporter.ts';
import { OtlpRequests } from './otlp-request.ts';
import { rejectedIn } from './otlp-response.ts';

/** opentelemetry-proto, collector/trace/v1/trace_service.proto. */
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

// As OpenTelemetry's own exporters wait before they try again.
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;
const FACTOR = 1.5;
const JITTER = 0.2;

/**
 * Sends spans by OTLP/gRPC. It tries again where the status says that this may help, within `OTEL_EXPORTER_OTLP_TIMEOUT` (10 s);
 * that, `…_HEADERS`, `…_COMPRESSION`, `…_CERTIFICATE`, `…_CLIENT_KEY` and `…_CLIENT_CERTIFICATE` are read by what reads them for
 * HTTP.
 */
export function otlpGrpc({ url, headers }: ExportTarget, resource: Resource): SpanExporter {
  const config = convertLegacyHttpOptions({ url, ...(headers && { headers }) }, 'TRACES', '', {});
  const requests = new OtlpRequests(resource);
  const options = async (): Promise<GrpcOptions> => {
    const secure = url.startsWith('https:');
    const { ca, cert, key } = secure ? ((await config.agentFactory('https:')) as Agent).options : {};
    return { metadata: await config.headers(), gzip: config.compression === 'gzip', tls: { ca, cert, key } };
  };
  let call: Promise<GrpcCall> | undefined;
  return {
    async export(batch) {
      // Before anything is waited for: the batch is used again when its time is over.
      const request = requests.protobuf(batch);
      call ??= options().then((given) => new GrpcCall(url, EXPORT, given));
      const response = await persist(await call, request, config.timeoutMillis);
      return rejectedIn(response, false);
    },
    async shutdown() {
      (await call)?.close();
    },
  };
}

/** Calls until that succeeds, cannot succeed, or the time is up; resolves to the answer. */
async function persist(call: GrpcCall, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  const deadline = performance.now() + timeoutMs;
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
