import type { Cause } from './cause.ts';

/**
 * `error.type` of an exchange, by the HTTP conventions of OpenTelemetry ("Status"): our own cause, else a 5xx; undefined where all
 * went well. A 4xx is the client's error, and none of a server, unless the exchange was cut while it went down. `local`: the answer
 * was ours. For metrics and traces, which must tell the same.
 */
export function errorType(status: number | undefined, cause: Cause | undefined, local: boolean): string | undefined {
  const own = cause === 'complete' ? undefined : cause;
  if (status !== undefined && status >= 500) return own ?? String(status);
  return local ? undefined : own;
}
