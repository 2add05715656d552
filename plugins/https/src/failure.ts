import { type Cause, OutriggerError } from '@outrigger/core';

/** What OpenSSL and Node call a handshake that a client's side made fail, by their codes. */
const DOWNSTREAM: Readonly<Record<string, Cause>> = {
  ERR_SSL_NO_SHARED_CIPHER: 'tls-no-shared-cipher',
  ERR_SSL_NO_SUITABLE_GROUPS: 'tls-no-shared-cipher',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'tls-no-shared-cipher',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'tls-no-shared-cipher',
  ERR_SSL_NO_SHARED_GROUP: 'tls-no-shared-cipher',
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 'tls-no-shared-cipher',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls-version',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls-version',
  ERR_SSL_VERSION_TOO_LOW: 'tls-version',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'tls-version',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'tls-no-protocol',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'tls-refused',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'tls-refused',
  ERR_SSL_SSL_TLSV1_ALERT_BAD_CERTIFICATE: 'tls-refused',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'tls-refused',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'tls-refused',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'tls-refused',
  ECONNRESET: 'tls-aborted',
  EPIPE: 'tls-aborted',
};

/** Why a client's handshake failed. */
export function handshakeCause(error: NodeJS.ErrnoException): Cause {
  return DOWNSTREAM[error.code ?? ''] ?? 'tls-handshake';
}

const UNKNOWN_CA = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
]);

/** What X.509 verification says of a client's certificate (`authorizationError`). */
export function clientCertificateCause(code: string): Cause {
  if (UNKNOWN_CA.has(code)) return 'tls-client-certificate-unknown-ca';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'tls-client-certificate-expired';
  return 'tls-client-certificate-invalid';
}

/** Errors of Node's own, before TLS began: they keep their codes. */
const CONNECT = new Set(['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT', 'EACCES', 'ENOTFOUND']);

/** What became of a handshake with an endpoint; `connected`: TCP had connected by then. */
export function upstreamError(error: NodeJS.ErrnoException, connected: boolean): Error {
  const code = error.code ?? '';
  if (!connected || CONNECT.has(code)) return error;
  // X.509's own codes are words with underscores; those of the system have none, those of Node and OpenSSL begin with ERR_.
  const isVerification = code === 'ERR_TLS_CERT_ALTNAME_INVALID' || (code.includes('_') && !code.startsWith('ERR_'));
  return new OutriggerError(isVerification ? 'upstream-certificate' : 'upstream-tls', error.message, { cause: error });
}
