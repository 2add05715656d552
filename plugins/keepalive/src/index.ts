import {
  AdminDetails,
  Clock,
  ConnectionHooks,
  definePlugin,
  IdleConnections,
  Lifecycle,
  Metrics,
  Sidecar,
} from '@outrigger/core';
import { Keepalive } from './keepalive.ts';
import { PooledConnections } from './pooled-connections.ts';
import { config, type KeepaliveSettings, sections } from './settings.ts';

export type { KeepaliveSettings } from './settings.ts';

/** Keeps idle connections alive, finds dead ones, and ends those that are idle or old where that is wanted. */
export default definePlugin<KeepaliveSettings>({
  name: 'keepalive',
  config,
  sections,
  bind(bind, settings) {
    bind(Keepalive)
      .toResolvedValue((clock: Clock, metrics: Metrics) => new Keepalive(settings, clock, metrics), [Clock, Metrics])
      .inSingletonScope();
    bind(ConnectionHooks).toResolvedValue((keepalive: Keepalive) => keepalive, [Keepalive]);
    bind(AdminDetails).toResolvedValue((keepalive: Keepalive) => keepalive, [Keepalive]);
    bind(Lifecycle).toResolvedValue(
      (sidecar: Sidecar, idle: IdleConnections, clock: Clock) => new PooledConnections(sidecar, idle, clock),
      [Sidecar, IdleConnections, Clock],
    );
  },
});
