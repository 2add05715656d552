import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { TlsInfo } from '@outrigger/core';
import { alternativeNames, oneLine } from './certificate.ts';

/** What is known of a client when its handshake is over; `certificate` where it proved one. */
export function tlsInfoOf(socket: TLSSocket, certificate: X509Certificate | undefined, strict: boolean): TlsInfo {
  const serverName = (socket as { servername?: string | false }).servername;
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    ...(serverName && { serverName: serverName.toLowerCase() }),
    ...(strict && { strict }),
    ...(certificate !== undefined && { certificate: describe(certificate) }),
  };
}

function describe(certificate: X509Certificate): NonNullable<TlsInfo['certificate']> {
  const subjectAltNames = alternativeNames(certificate);
  // A SPIFFE certificate has one URI alone (X.509-SVID §2); with more of them it names nobody.
  const uris = subjectAltNames.filter((name) => name.startsWith('URI:')).map((name) => name.slice(4));
  const [spiffeId] = uris.length === 1 && uris[0]!.startsWith('spiffe://') ? uris : [];
  return {
    subject: oneLine(certificate.subject),
    subjectAltNames,
    ...(spiffeId !== undefined && { spiffeId }),
    fingerprint256: certificate.fingerprint256,
    pem: certificate.toString(),
  };
}
