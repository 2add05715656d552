import type { TlsInfo } from '@outrigger/core';

/**
 * The certificate that a client proved, as `x-forwarded-client-cert` tells it: Envoy's form, whose fields are Hash (SHA-256 of the
 * DER, hexadecimal), Subject (RFC 2253), URI and DNS.
 */
export function forwardedCertificate({
  subject,
  subjectAltNames,
  fingerprint256,
}: NonNullable<TlsInfo['certificate']>) {
  const parts = [`Hash=${fingerprint256.replaceAll(':', '').toLowerCase()}`, `Subject=${quoted(subject)}`];
  for (const name of subjectAltNames) {
    if (name.startsWith('URI:')) parts.push(`URI=${value(name.slice(4))}`);
    else if (name.startsWith('DNS:')) parts.push(`DNS=${value(name.slice(4))}`);
  }
  return parts.join(';');
}

/** Envoy quotes what contains a separator of its own. */
function value(text: string): string {
  return /^[^\s",;=\\]+$/.test(text) ? text : quoted(text);
}

/** A header value is latin1 without controls: whatever else a certificate says becomes a question mark. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
