import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { telemetryIdentity } from '@outrigger/core';

/** Who the spans are from: OTEL_SERVICE_NAME before OTEL_RESOURCE_ATTRIBUTES before core's {@link telemetryIdentity}. */
export function resourceOf(serviceName: string): Resource {
  return defaultResource()
    .merge(resourceFromAttributes(telemetryIdentity(serviceName)))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
}
