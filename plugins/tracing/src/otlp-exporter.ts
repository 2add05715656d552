import type { ExportTarget } from './environment.ts';
import type { Rejected } from './otlp-response.ts';
import type { SpanBatch } from './span-batches.ts';

/** Sends batches, one after the other. */
export interface SpanExporter {
  /** Resolves to what the collector refused of it, if anything; rejects where all of it is lost. `batch` is lent until then. */
  export(batch: SpanBatch): Promise<Rejected | undefined>;
  /** Waits for what is under way. */
  shutdown(): Promise<void>;
}

/**
 * What sends spans of the service to `target` by OTLP. OpenTelemetry's packages are loaded here: without a collector they cost neither
 * time nor memory.
 */
export async function otlpExporter(target: ExportTarget, serviceName: string): Promise<SpanExporter> {
  const { resourceOf } = await import('./resource.ts');
  const resource = resourceOf(serviceName);
  if (target.protocol === 'grpc') return (await import('./otlp-grpc.ts')).otlpGrpc(target, resource);
  return (await import('./otlp-http.ts')).otlpHttp(target, target.protocol, resource);
}
