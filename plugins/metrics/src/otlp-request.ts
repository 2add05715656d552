import { ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Family, Series } from './registry.ts';

type Time = [seconds: number, nanoseconds: number];

/** What OpenTelemetry's HTTP conventions call what Prometheus cannot: names and labels have no dots there. */
const NAMES: Readonly<Record<string, string>> = {
  http_server_request_duration_seconds: 'http.server.request.duration',
  http_client_request_duration_seconds: 'http.client.request.duration',
  http_server_active_requests: 'http.server.active_requests',
};
const ATTRIBUTES: Readonly<Record<string, string>> = {
  http_request_method: 'http.request.method',
  http_response_status_code: 'http.response.status_code',
  http_route: 'http.route',
  url_scheme: 'url.scheme',
  network_protocol_version: 'network.protocol.version',
  error_type: 'error.type',
};

/** What was collected, as OpenTelemetry's serializers take it: cumulative since `from`, both in wall-clock milliseconds. */
export function otlpRequest(
  families: readonly Family[],
  resource: Resource,
  from: number,
  now: number,
): ResourceMetrics {
  const startTime = timeOf(from);
  const endTime = timeOf(now);
  const metrics = families.map((family) => metricOf(family, startTime, endTime));
  return {
    resource,
    scopeMetrics: [
      { scope: { name: '@outrigger/metrics' }, metrics: metrics.filter(({ dataPoints }) => dataPoints.length > 0) },
    ],
  };
}

function metricOf(family: Family, startTime: Time, endTime: Time): MetricData {
  const common = {
    descriptor: {
      name: NAMES[family.name] ?? family.name,
      description: family.doc,
      unit: family.unit ?? '',
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const points = <T>(read: (series: Series) => T) =>
    [...family.series].map((series) => ({
      startTime,
      endTime,
      attributes: attributesOf(family, series),
      value: read(series),
    }));
  if (family.kind === 'histogram')
    return {
      ...common,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: points(({ value, counts = [] }) => ({
        buckets: { boundaries: [...family.buckets], counts: [...counts] },
        sum: value,
        count: counts.reduce((sum, count) => sum + count, 0),
      })),
    };
  const dataPoints = points(({ value }) => value);
  return family.kind === 'counter'
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
}

/** An empty label is an attribute that is not there; a status is a number. */
function attributesOf({ labels }: Family, series: Series): Record<string, string | number> {
  const attributes: Record<string, string | number> = {};
  for (const [i, label] of labels.entries()) {
    const value = series.labels[i]!;
    if (value === '') continue;
    const status = label === 'http_response_status_code' && /^\d+$/.test(value);
    attributes[ATTRIBUTES[label] ?? label] = status ? Number(value) : value;
  }
  return attributes;
}

function timeOf(ms: number): Time {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
