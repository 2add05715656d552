import {
  type AdminDetails,
  type Clock,
  type Cluster,
  type Endpoint,
  formatAddress,
  type ListenerState,
  type Session,
  type Side,
} from '@outrigger/core';

// How the things of the sidecar look in answers. What plugins add stands beside it, under the plugins' own keys.

type Row = Readonly<Record<string, unknown>>;

export function listenerRow(listener: ListenerState, details: readonly AdminDetails[]): Row {
  const { name, protocol, direction, address, state, connections } = listener;
  const own = { name, protocol, direction, address: formatAddress(address), state, connections };
  return Object.assign(own, ...details.map((plugin) => plugin.listener?.(listener)));
}

export function clusterRow(cluster: Cluster, details: readonly AdminDetails[]): Row {
  const { endpoints, leaving } = cluster;
  const used = [...endpoints, ...leaving];
  const own = {
    name: cluster.name,
    connector: cluster.connector,
    requests: used.reduce((sum, { requests }) => sum + requests, 0),
    streams: used.reduce((sum, { streams }) => sum + streams, 0),
    out: endpoints.filter((endpoint) => cluster.outBecause?.(endpoint) !== undefined).length,
    endpoints: endpoints.map((endpoint) => endpointRow(endpoint, details)),
    ...(leaving.length > 0 && { leaving: leaving.map((endpoint) => endpointRow(endpoint, details)) }),
  };
  return Object.assign(own, ...details.map((plugin) => plugin.cluster?.(cluster)));
}

function endpointRow(endpoint: Endpoint, details: readonly AdminDetails[]): Row {
  const { address, weight, requests, streams, metadata, leavesAt = Number.POSITIVE_INFINITY } = endpoint;
  const own = {
    address,
    weight,
    requests,
    streams,
    ...(leavesAt !== Number.POSITIVE_INFINITY && { until: new Date(leavesAt).toISOString() }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  return Object.assign(own, ...details.map((plugin) => plugin.endpoint?.(endpoint)));
}

/** The path without its query, which may hold secrets. */
export function sessionRow(session: Session, clock: Clock, details: readonly AdminDetails[]): Row {
  const { id, kind, connection, generation, request, route, cluster, attempts, startedAt } = session;
  const { websocket, eventStream, bytesReceived, bytesSent, messagesReceived, messagesSent } = session;
  const now = clock.now();
  const own = {
    id,
    kind,
    listener: connection.listener.name,
    peer: formatAddress(connection.peer.address),
    method: request.method,
    host: request.host,
    path: request.path,
    route: route?.name ?? null,
    cluster: cluster?.name ?? null,
    endpoint: attempts.at(-1)?.endpoint.address ?? null,
    attempts: attempts.length,
    generation,
    ageSeconds: round((clock.wallTime() - startedAt) / 1_000),
    bytes: { received: bytesReceived, sent: bytesSent },
    ...(eventStream !== undefined && { eventStream: true, idleSeconds: round((now - eventStream.lastByteAt) / 1_000) }),
    ...(websocket !== undefined && {
      messages: { received: messagesReceived, sent: messagesSent, total: messagesReceived + messagesSent },
      idleSeconds: eachSide((side) => round((now - websocket.lastByteAt(side)) / 1_000)),
      buffered: {
        ...eachSide((side) => websocket.buffered(side)),
        total: websocket.buffered('downstream') + websocket.buffered('upstream'),
      },
    }),
  };
  return Object.assign(own, ...details.map((plugin) => plugin.session?.(session)));
}

function eachSide(of: (side: Side) => number): Row {
  return { downstream: of('downstream'), upstream: of('upstream') };
}

function round(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
