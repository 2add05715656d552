import type { ExportResult } from '@opentelemetry/core';
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { telemetryIdentity } from '@outrigger/core';
import { otlpRequest } from './otlp-request.ts';
import type { Family } from './registry.ts';

/** Sends what was collected, one request after the other. */
export interface MetricsExporter {
  /** Resolves to why it failed, after the exporter's own retries; to undefined where the collector took it. Never rejects. */
  export(families: readonly Family[], now: number): Promise<string | undefined>;
  /** Waits for what is under way. */
  shutdown(): Promise<void>;
}

/**
 * OpenTelemetry's transport for OTLP/HTTP, which reads `OTEL_EXPORTER_OTLP_[METRICS_]ENDPOINT` (by default the collector on this
 * machine), `…_HEADERS`, `…_TIMEOUT`, `…_COMPRESSION` and `…_CERTIFICATE` itself. This module is loaded where metrics are pushed.
 */
export function otlpExporter(serviceName: string, json: boolean, from: number): MetricsExporter {
  const resource = defaultResource()
    .merge(resourceFromAttributes(telemetryIdentity(serviceName)))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
  const headers = { 'Content-Type': json ? 'application/json' : 'application/x-protobuf' };
  const exporter = new OTLPExporterBase<ResourceMetrics>(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions({}, 'METRICS', 'v1/metrics', headers),
      json ? JsonMetricsSerializer : ProtobufMetricsSerializer,
      json ? 'otlp_http_json_metric_exporter' : 'otlp_http_metric_exporter',
      {
        name: 'metric_data_point',
        countItems: ({ scopeMetrics }: ResourceMetrics) =>
          scopeMetrics.flatMap(({ metrics }) => metrics).reduce((sum, { dataPoints }) => sum + dataPoints.length, 0),
      },
      undefined,
    ),
  );
  return {
    export: (families, now) =>
      new Promise((resolve) => {
        exporter.export(otlpRequest(families, resource, from, now), ({ code, error }: ExportResult) =>
          resolve(code === 0 ? undefined : (error?.message ?? 'the export failed')),
        );
      }),
    shutdown: () => exporter.shutdown(),
  };
}
