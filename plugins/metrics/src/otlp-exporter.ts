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
import { GrpcExport } from '@outrigger/core/otlp';
import type { PushTarget } from './environment.ts';
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
 * Sends by OTLP, within `OTEL_EXPORTER_OTLP_[METRICS_]TIMEOUT`, with `…_HEADERS`, `…_COMPRESSION`, `…_CERTIFICATE`, `…_CLIENT_KEY`
 * and `…_CLIENT_CERTIFICATE`, as OpenTelemetry reads them. This module is loaded where metrics are pushed.
 */
export function otlpExporter(
  serviceName: string,
  { url, protocol }: Pick<PushTarget, 'url' | 'protocol'>,
  from: number,
): MetricsExporter {
  const resource = defaultResource()
    .merge(resourceFromAttributes(telemetryIdentity(serviceName)))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
  const exporter = protocol === 'grpc' ? overGrpc(url) : overHttp(url, protocol === 'http/json');
  return {
    export: (families, now) => exporter.export(otlpRequest(families, resource, from, now)),
    shutdown: () => exporter.shutdown(),
  };
}

interface Transport {
  export(request: ResourceMetrics): Promise<string | undefined>;
  shutdown(): Promise<void>;
}

function overHttp(url: string, json: boolean): Transport {
  const headers = { 'Content-Type': json ? 'application/json' : 'application/x-protobuf' };
  const exporter = new OTLPExporterBase<ResourceMetrics>(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions({ url }, 'METRICS', 'v1/metrics', headers),
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
    export: (request) =>
      new Promise((resolve) => {
        exporter.export(request, ({ code, error }: ExportResult) =>
          resolve(code === 0 ? undefined : (error?.message ?? 'the export failed')),
        );
      }),
    shutdown: () => exporter.shutdown(),
  };
}

/** opentelemetry-proto, collector/metrics/v1/metrics_service.proto. */
const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

function overGrpc(url: string): Transport {
  const exporter = new GrpcExport(url, EXPORT, convertLegacyHttpOptions({ url }, 'METRICS', '', {}));
  return {
    async export(request) {
      try {
        await exporter.send(ProtobufMetricsSerializer.serializeRequest(request)!);
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
    shutdown: () => exporter.close(),
  };
}
