import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';

/** Of this process, whatever is loaded anew in it. */
const INSTANCE = randomUUID();

/**
 * Who the spans are from: OTEL_SERVICE_NAME before OTEL_RESOURCE_ATTRIBUTES before `serviceName`, the host and the process. The
 * command line is not told: it may hold what nobody should read.
 */
export function resourceOf(serviceName: string): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: serviceName,
        'service.instance.id': INSTANCE,
        'host.name': hostname(),
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
      }),
    )
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
}
