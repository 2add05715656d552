import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { TlsInfo } from '@outrigger/core';
import { alternativeNames, oneLine } from './certificate.ts';
import type { Termination } from './terminator.ts';

/** What is known of a client when its handshake is over; `certificate` where it proved one. */
export function tlsInfoOf(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  { strict, shown }: Termination,
): TlsInfo {
  const serverName = serverNameIn(socket);
  const ownUris = certificate === undefined ? [] : urisShown(socket, shown);
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    ...(serverName !== '' && { serverName }),
    ...(strict && { strict }),
    ...(certificate !== undefined && { certificate: describe(certificate) }),
    ...(ownUris.length > 0 && { ownUris }),
  };
}

/** As OpenSSL has read it, in lower case; '' where the client named none. */
export function serverNameIn(socket: TLSSocket): string {
  return ((socket as { servername?: string | false }).servername || '').toLowerCase();
}

function urisShown(socket: TLSSocket, shown: Termination['shown']): readonly string[] {
  if (shown.every(({ uris }) => uris.length === 0)) return [];
  if (shown.length === 1) return shown[0]!.uris;
  const fingerprint = socket.getX509Certificate()?.fingerprint256;
  return shown.find(({ fingerprint256 }) => fingerprint256 === fingerprint)?.uris ?? [];
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
    // Asked for by few: made when it is.
    get chain() {
      return chainOf(certificate);
    },
  };
}

/** Without the self-signed root: clients do not send it, and whoever verifies has it. */
function chainOf(leaf: X509Certificate): string[] {
  const chain = [leaf.toString()];
  for (let one = leaf.issuerCertificate; one !== undefined && one.subject !== one.issuer; one = one.issuerCertificate)
    chain.push(one.toString());
  return chain;
}
