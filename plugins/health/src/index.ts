import {
  AdminDetails,
  Clock,
  ConnectionHooks,
  Connector,
  definePlugin,
  EndpointWeight,
  Lifecycle,
  Logger,
  Metrics,
  Sidecar,
} from '@outrigger/core';
import { Health } from './health.ts';
import { sections } from './settings.ts';

/** Who may be picked: active checks, outlier ejection, slow start. */
export default definePlugin({
  name: 'health',
  sections,
  bind(bind) {
    bind(Health)
      .toResolvedValue(
        (clock: Clock, logger: Logger, metrics: Metrics, sidecar: Sidecar, connectors: Connector[]) =>
          new Health({ clock, logger, metrics, sidecar, connectors, random: Math.random }),
        [Clock, Logger, Metrics, Sidecar, { serviceIdentifier: Connector, isMultiple: true }],
      )
      .inSingletonScope();
    bind(EndpointWeight).toResolvedValue((health: Health) => health, [Health]);
    bind(ConnectionHooks).toResolvedValue((health: Health) => health.hooks, [Health]);
    bind(Lifecycle).toResolvedValue((health: Health) => health, [Health]);
    bind(AdminDetails).toResolvedValue((health: Health) => health.details, [Health]);
  },
});
