import { ExportResultCode } from '@opentelemetry/core';
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import type { Resource } from '@opentelemetry/resources';
import type { ExportTarget } from './environment.ts';
import type { SpanExporter } from './otlp-exporter.ts';
import { OtlpRequests } from './otlp-request.ts';
import { type Rejected, rejectedIn } from './otlp-response.ts';
import type { SpanBatch } from './span-batches.ts';

/**
 * Sends spans by OTLP/HTTP: OpenTelemetry's transport, with requests that are encoded already. It tries again where that may help,
 * within `OTEL_EXPORTER_OTLP_TIMEOUT` (10 s), and reads that, `…_COMPRESSION`, `…_CERTIFICATE`, `…_CLIENT_KEY` and
 * `…_CLIENT_CERTIFICATE` itself.
 */
export function otlpHttp(
  { url, headers }: ExportTarget,
  protocol: 'http/protobuf' | 'http/json',
  resource: Resource,
): SpanExporter {
  const requests = new OtlpRequests(resource);
  const json = protocol === 'http/json';
  const contentType = json ? 'application/json' : 'application/x-protobuf';
  const config = { url, ...(headers && { headers }) };
  // Of the request under way: there is one at a time.
  let rejected: Rejected | undefined;
  const exporter = new OTLPExporterBase<SpanBatch>(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions(config, 'TRACES', 'v1/traces', { 'Content-Type': contentType }),
      {
        serializeRequest: (batch: SpanBatch) => (json ? requests.json(batch) : requests.protobuf(batch)),
        deserializeResponse: (response: Uint8Array) => {
          rejected = rejectedIn(response, json);
          return {};
        },
      },
      json ? 'otlp_http_json_span_exporter' : 'otlp_http_span_exporter',
      { name: 'span', countItems: ({ count }: SpanBatch) => count },
      undefined,
    ),
  );
  return {
    export: (batch) =>
      new Promise((resolve, reject) => {
        rejected = undefined;
        exporter.export(batch, ({ code, error }) => {
          if (code === ExportResultCode.SUCCESS) resolve(rejected);
          else reject(error ?? new Error('the exporter failed'));
        });
      }),
    shutdown: () => exporter.shutdown(),
  };
}
