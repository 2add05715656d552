import type { Certificate } from './certificate.ts';
import { type ClusterTls, type Demand, demandOf, type ListenerTls } from './settings.ts';

/** How a listener terminates, a line each. `certificates` in the order of the settings. */
export function explainListener(settings: ListenerTls, certificates: readonly Certificate[]): string[] {
  const demands = settings.certificates.map((one) => demandOf(settings, one));
  const same = demands.every(
    ({ clientAuth, clientCa }) => clientAuth === demands[0]!.clientAuth && clientCa === demands[0]!.clientCa,
  );
  const versions = settings.minVersion === 'TLSv1.3' ? 'TLS 1.3' : 'TLS 1.2 and 1.3';
  return [
    `${versions}${same ? `; clients ${demanded(demands[0]!)}` : ''}`,
    ...(settings.strictSni || !same ? ['requests must name the host that their handshake named, else 421'] : []),
    ...certificates.map((one, i) => `${described(one)}${same ? '' : `; clients ${demanded(demands[i]!)}`}`),
  ];
}

/** How TLS to a cluster's endpoints is originated, a line each. */
export function explainCluster({ verify, serverName, ca }: ClusterTls, own: Certificate | undefined): string[] {
  const name = serverName ?? 'the host of their address';
  return [
    verify
      ? `endpoints must prove to be ${name}, by ${ca ?? "Node's authorities"}`
      : 'any certificate of anybody is taken (verify: false)',
    ...(own === undefined ? [] : [`they are shown ${described(own)}`]),
  ];
}

function demanded({ clientAuth, clientCa }: Demand): string {
  if (clientAuth === 'none') return 'are asked for no certificate';
  return `${clientAuth === 'require' ? 'must' : 'may'} show a certificate of ${clientCa}`;
}

function described({ file, names, uris, subject, keyType, notAfter }: Certificate): string {
  const all = [...names, ...uris];
  return `${file}: ${all.length > 0 ? all.join(', ') : subject} (${keyType}), until ${new Date(notAfter).toISOString().slice(0, 10)}`;
}
