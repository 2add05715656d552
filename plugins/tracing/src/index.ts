import { Clock, ConnectionHooks, definePlugin, Lifecycle, Logger, Metrics, type Schema } from '@outrigger/core';
import { settings, type TracingSettings } from './settings.ts';
import { Tracing } from './tracing.ts';

export type { TracingSettings } from './settings.ts';

/** Continues or begins the trace of each session (W3C Trace Context), and exports its spans by OTLP/HTTP. */
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
    bind(Lifecycle).toResolvedValue((parts: Tracing) => parts, [Tracing]);
  },
});
