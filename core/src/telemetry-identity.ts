import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** Of this process, whatever is loaded anew in it. */
const INSTANCE = randomUUID();

/**
 * Who sends telemetry, as attributes of an OpenTelemetry resource: the service, the host and the process. Spans and metrics tell the
 * same, so that a collector can put them together. The command line is not told: it may hold what nobody should read.
 */
export function telemetryIdentity(serviceName: string): Readonly<Record<string, string | number>> {
  return {
    'service.name': serviceName,
    'service.instance.id': INSTANCE,
    'host.name': hostname(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
  };
}
