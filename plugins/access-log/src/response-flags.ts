import { type CAUSES, describeCause, type Outcome, type Session } from '@outrigger/core';

/**
 * Envoy's response flags (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage,
 * `%RESPONSE_FLAGS%`) that come nearest to our causes, so that dashboards and people who know them read our lines.
 */
export const FLAGS: Readonly<Record<keyof typeof CAUSES, string>> = {
  complete: '',

  'downstream-closed': 'DC',
  'downstream-reset': 'DC',
  'downstream-malformed': 'DPE',
  'downstream-head-too-large': 'DPE',
  'downstream-target-too-long': 'DPE',
  'downstream-version': 'DPE',
  'downstream-method': 'DPE',
  'downstream-head-timeout': 'SI',
  'downstream-body-timeout': 'SI',
  'downstream-write-timeout': 'SI',
  'downstream-idle-timeout': 'SI',
  'downstream-handshake': 'DPE',
  'downstream-handshake-version': 'DPE',
  'downstream-websocket-protocol': 'DPE',
  'downstream-websocket-utf8': 'DPE',
  'downstream-websocket-too-big': 'DPE',
  'downstream-misdirected': 'DPE',
  'downstream-pong-timeout': 'SI',

  'tls-plaintext': 'DPE',
  'tls-handshake': 'DPE',
  'tls-handshake-timeout': 'DPE',
  'tls-handshake-limit': 'OM',
  'tls-aborted': 'DC',
  'tls-version': 'DPE',
  'tls-no-shared-cipher': 'DPE',
  'tls-no-protocol': 'DPE',
  'tls-refused': 'DPE',
  'tls-client-certificate-missing': 'DPE',
  'tls-client-certificate-unknown-ca': 'DPE',
  'tls-client-certificate-expired': 'DPE',
  'tls-client-certificate-invalid': 'DPE',

  'no-route': 'NR',
  'ambiguous-path': 'DPE',
  'no-endpoint': 'UH',
  'connect-refused': 'UF',
  'connect-timeout': 'UF',
  'connect-failed': 'UF',
  'upstream-tls': 'UF',
  'upstream-certificate': 'UF',
  'upstream-reset': 'UC',
  'upstream-aborted': 'UC',
  'upstream-closed': 'UC',
  'upstream-malformed': 'UPE',
  'upstream-handshake': 'UPE',
  'upstream-response-timeout': 'UT',
  'upstream-total-timeout': 'UT',
  'upstream-write-timeout': 'UT',
  'upstream-pong-timeout': 'UT',
  'upstream-websocket-protocol': 'UPE',
  'upstream-websocket-utf8': 'UPE',
  'upstream-websocket-too-big': 'UPE',

  'close-timeout': 'LR',
  expired: 'DT',
  'idle-timeout': 'SI',
  'max-age': 'DT',
  'admin-closed': 'LR',
  'plugin-closed': 'LR',
  drain: 'LR',
  'route-changed': 'LR',
  'drain-deadline': 'LR',
  'endpoint-gone': 'LR',
  'descriptor-limit': 'OM',
  internal: 'LR',
};

/** The flags of a session that has ended, joined by commas as Envoy does; empty where it ended well. */
export function responseFlags(session: Session, { cause, status }: Outcome): string {
  const flag = (FLAGS as Readonly<Record<string, string>>)[cause] ?? pluginFlag(cause, status);
  // Envoy's word for the last of several tries that failed.
  return session.attempts.length > 1 && describeCause(cause).retryable ? `${flag},URX` : flag;
}

/** A plugin's refusal by its status: `resilience` refuses what is over a limit. */
function pluginFlag(cause: string, status: number | undefined): string {
  if (status === 429) return 'RL';
  if (status === 401 || status === 403) return 'UAEX';
  return cause === 'plugin:resilience' && status === 503 ? 'UO' : 'LR';
}
