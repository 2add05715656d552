import type { TlsInfo } from '@outrigger/core';

export const DETAILS = ['subject', 'uri', 'dns', 'cert', 'chain'] as const;

/** What `x-forwarded-client-cert` may say beside `By` and `Hash`: Envoy's `set_current_client_cert_details`. */
export type CertificateDetail = (typeof DETAILS)[number];

/**
 * The certificate that a client proved, as `x-forwarded-client-cert` tells it: Envoy's form and order. `By` is the URI of our own
 * certificate, `Hash` the SHA-256 of the client's DER, `Cert` and `Chain` are PEM in URL encoding, `Subject` is as RFC 2253 has it.
 */
export function forwardedCertificate(
  { certificate, ownUris = [] }: TlsInfo,
  details: readonly CertificateDetail[],
): string {
  const { subject, subjectAltNames, fingerprint256, pem, chain } = certificate!;
  const tells = (detail: CertificateDetail) => details.includes(detail);
  const named = (kind: string) => subjectAltNames.filter((name) => name.startsWith(kind)).map((name) => name.slice(4));
  return [
    ...ownUris.map((uri) => `By=${value(uri)}`),
    `Hash=${fingerprint256.replaceAll(':', '').toLowerCase()}`,
    ...(tells('cert') ? [`Cert="${urlEncoded(pem)}"`] : []),
    ...(tells('chain') ? [`Chain="${urlEncoded(chain.join(''))}"`] : []),
    // RFC 2253 has escaped its quotes and backslashes already.
    ...(tells('subject') ? [`Subject="${ascii(subject)}"`] : []),
    ...(tells('uri') ? named('URI:').map((uri) => `URI=${value(uri)}`) : []),
    ...(tells('dns') ? named('DNS:').map((name) => `DNS=${value(name)}`) : []),
  ].join(';');
}

/** Quoted where it contains a separator; a quote in it gets a backslash. */
function value(text: string): string {
  if (/^[!-~]+$/.test(text) && !/[",;=\\]/.test(text)) return text;
  // A field's value has no controls, and no bytes whose meaning is open.
  return `"${text.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

/** RFC 2253 §2.4: an octet that is not plain is a backslash and two hexadecimal digits. */
function ascii(text: string): string {
  return text.replace(/[^ -~]+/g, (part) =>
    Buffer.from(part).reduce((out, byte) => `${out}\\${byte.toString(16).toUpperCase().padStart(2, '0')}`, ''),
  );
}

/** Every octet but the unreserved ones, as Envoy has it. */
function urlEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
