import type { Metrics } from './metrics.ts';
import type { Sessions } from './sessions.ts';
import type { Sidecar } from './sidecar.ts';

/** What metrics tell of the sidecar as a whole, read whenever they are collected. */
export function measureSidecar(sidecar: Sidecar, sessions: Sessions, metrics: Metrics): void {
  const reloads = metrics.gauge('outrigger_reloads', {
    doc: 'Reloads of the configuration so far, by what came of them.',
    labels: ['result'],
  });
  const generation = metrics.gauge('outrigger_generation', { doc: 'Number of the generation in force.' }).with();
  const last = metrics
    .gauge('outrigger_last_reload_successful', { doc: '1, or 0 where the last reload failed.' })
    .with();
  const open = metrics.gauge('outrigger_sessions_open', { doc: 'Sessions that are open, by kind.', labels: ['kind'] });
  const connections = metrics.gauge('outrigger_connections_open', {
    doc: 'Downstream connections that are open.',
    labels: ['listener'],
  });
  const endpoints = metrics.gauge('outrigger_cluster_endpoints', {
    doc: 'Endpoints of a cluster: those that are listed, and those that are not any more and have open sessions.',
    labels: ['cluster', 'state'],
  });
  metrics.onCollect(() => {
    for (const cluster of sidecar.clusterStates()) {
      endpoints.with(cluster.name, 'listed').set(cluster.endpoints.length);
      endpoints.with(cluster.name, 'leaving').set(cluster.leaving.length);
    }
    for (const result of ['changed', 'unchanged', 'failed'] as const) reloads.with(result).set(sidecar.reloads[result]);
    generation.set(sidecar.generation);
    last.set(sidecar.reloads.last?.result === 'failed' ? 0 : 1);
    let websockets = 0;
    for (const { kind } of sessions) if (kind === 'websocket') websockets++;
    open.with('websocket').set(websockets);
    open.with('http').set(sessions.size - websockets);
    const byListener = new Map<string, number>();
    for (const { name, connections: count } of sidecar.listenerStates())
      byListener.set(name, (byListener.get(name) ?? 0) + count);
    for (const [name, count] of byListener) connections.with(name).set(count);
  });
}
