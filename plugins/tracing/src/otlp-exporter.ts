import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { JsonTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { ExportTarget } from './environment.ts';

/**
 * Sends spans by OTLP/HTTP. It tries again where that may help, within `OTEL_EXPORTER_OTLP_TIMEOUT` (10 s), and reads that,
 * `…_COMPRESSION`, `…_CERTIFICATE`, `…_CLIENT_KEY` and `…_CLIENT_CERTIFICATE` itself.
 */
export function otlpExporter({ url, protocol, headers }: ExportTarget): SpanExporter {
  const config = { url, ...(headers && { headers }) };
  if (protocol === 'http/protobuf') return new OTLPTraceExporter(config);
  // The same exporter with the other serializer: what @opentelemetry/exporter-trace-otlp-http consists of.
  const options = convertLegacyHttpOptions(config, 'TRACES', 'v1/traces', { 'Content-Type': 'application/json' });
  return new OTLPExporterBase(
    createOtlpHttpExportDelegate(
      options,
      JsonTraceSerializer,
      'otlp_http_json_span_exporter',
      TraceExporterMetricsHelper,
      undefined,
    ),
  );
}
