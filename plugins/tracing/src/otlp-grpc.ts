import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import type { Resource } from '@opentelemetry/resources';
import { GrpcExport } from '@outrigger/core/otlp';
import type { ExportTarget } from './environment.ts';
import type { SpanExporter } from './otlp-exporter.ts';
import { OtlpRequests } from './otlp-request.ts';
import { rejectedIn } from './otlp-response.ts';

/** opentelemetry-proto, collector/trace/v1/trace_service.proto. */
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/**
 * Sends spans by OTLP/gRPC, within `OTEL_EXPORTER_OTLP_TIMEOUT` (10 s); that, `…_HEADERS`, `…_COMPRESSION`, `…_CERTIFICATE`,
 * `…_CLIENT_KEY` and `…_CLIENT_CERTIFICATE` are read by what reads them for HTTP.
 */
export function otlpGrpc({ url, headers }: ExportTarget, resource: Resource): SpanExporter {
  const config = convertLegacyHttpOptions({ url, ...(headers && { headers }) }, 'TRACES', '', {});
  const requests = new OtlpRequests(resource);
  const exporter = new GrpcExport(url, EXPORT, config);
  return {
    async export(batch) {
      // Before anything is waited for: the batch is used again when its time is over.
      const request = requests.protobuf(batch);
      return rejectedIn(await exporter.send(request), false);
    },
    shutdown: () => exporter.close(),
  };
}
