import {
  AdminRoute,
  Clock,
  ConnectionHooks,
  definePlugin,
  Lifecycle,
  Logger,
  Metrics,
  type Schema,
} from '@outrigger/core';
import { settings, type TracingSettings } from './settings.ts';
import { tracesRoute } from './traces-route.ts';
import { Tracing } from './tracing.ts';

export type { TracingSettings } from './settings.ts';

/** Continues or begins the trace of each session, keeps the last ones for `/traces`, and exports them by OTLP. */
export default definePlugin<TracingSettings>({
  name: 'tracing',
  config: settings as Schema<TracingSettings>,
  bind(bind, settings) {
    bind(Tracing)
      .toResolvedValue(
        (clock: Clock, logger: Logger, metrics: Metrics) =>
          new Tracing({ settings, env: process.env, clock, logger, metrics }),
        [Clock, Logger, Metrics],
      )
      .inSingletonScope();
    bind(ConnectionHooks).toResolvedValue((parts: Tracing) => parts.hooks, [Tracing]);
    bind(AdminRoute).toResolvedValue((parts: Tracing) => tracesRoute(() => parts.recent), [Tracing]);
    bind(Lifecycle).toResolvedValue((parts: Tracing) => parts, [Tracing]);
  },
});
