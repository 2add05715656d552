import {
  AdminDetails,
  AdminRoute,
  Clock,
  ConnectionHooks,
  definePlugin,
  IdleConnections,
  Lifecycle,
  Logger,
  Metrics,
  type Schema,
  Sessions,
  Sidecar,
} from '@outrigger/core';
import { endpointMetrics } from './endpoint-metrics.ts';
import { contentTypeFor, expose } from './exposition.ts';
import { goneSeries } from './gone-series.ts';
import { messageRates } from './message-rates.ts';
import { isPushWanted, OtlpPush } from './otlp-push.ts';
import { overviewRoute } from './overview-route.ts';
import { processMetrics } from './process-metrics.ts';
import { Registry } from './registry.ts';
import { RollingFigures } from './rolling-figures.ts';
import { RuntimeMetrics } from './runtime-metrics.ts';
import { SessionMetrics } from './session-metrics.ts';
import { config, type MetricsSettings } from './settings.ts';

export type { MetricsSettings } from './settings.ts';

/** Measures sessions, keeps what the other plugins measure, and serves it at `/metrics` as Prometheus reads it. */
export default definePlugin<MetricsSettings>({
  name: 'metrics',
  config: config as Schema<MetricsSettings>,
  bind(bind, settings) {
    bind(Registry)
      .toResolvedValue(
        (sidecar: Sidecar, sessions: Sessions) => {
          const registry = new Registry();
          processMetrics(registry);
          registry.leaveOut(goneSeries(sidecar, sessions));
          return registry;
        },
        [Sidecar, Sessions],
      )
      .inSingletonScope();
    bind(Metrics).toResolvedValue((registry: Registry) => registry, [Registry]);
    bind(Lifecycle).toResolvedValue((registry: Registry) => new RuntimeMetrics(registry), [Registry]);
    bind(Lifecycle).toResolvedValue(endpointMetrics, [Registry, Sidecar, IdleConnections]);
    if (isPushWanted(process.env))
      bind(Lifecycle).toResolvedValue(
        (registry: Registry, clock: Clock, logger: Logger) =>
          new OtlpPush({
            registry,
            serviceName: settings.serviceName ?? 'outrigger',
            env: process.env,
            clock,
            logger: logger.child({ plugin: 'metrics' }),
          }),
        [Registry, Clock, Logger],
      );
    if (settings.sessions) {
      bind(SessionMetrics)
        .toResolvedValue(
          (registry: Registry, sessions: Sessions, clock: Clock) => new SessionMetrics(registry, sessions, clock),
          [Registry, Sessions, Clock],
        )
        .inSingletonScope();
      bind(ConnectionHooks).toResolvedValue((parts: SessionMetrics) => parts, [SessionMetrics]);
      bind(Lifecycle).toResolvedValue((parts: SessionMetrics) => parts, [SessionMetrics]);
      bind(RollingFigures)
        .toResolvedValue(
          (metrics: SessionMetrics, sessions: Sessions, sidecar: Sidecar, clock: Clock) =>
            new RollingFigures(metrics, sessions, sidecar, clock),
          [SessionMetrics, Sessions, Sidecar, Clock],
        )
        .inSingletonScope();
      bind(Lifecycle).toResolvedValue((figures: RollingFigures) => figures, [RollingFigures]);
      bind(AdminRoute).toResolvedValue(overviewRoute, [RollingFigures, Sidecar]);
      bind(AdminDetails).toConstantValue(messageRates);
    }
    bind(AdminRoute).toResolvedValue(
      (registry: Registry) => ({
        method: 'GET',
        path: '/metrics',
        doc: 'Everything that is measured, in the text format of Prometheus, or as OpenMetrics where that is accepted.',
        responses: { 200: { doc: 'The measurements.', contentTypes: ['text/plain', 'application/openmetrics-text'] } },
        serve: ({ accept }) => {
          const contentType = contentTypeFor(accept);
          return { body: expose(registry.collect(), contentType), contentType };
        },
      }),
      [Registry],
    );
  },
});
