import { Clock, ConnectionHooks, definePlugin, Lifecycle, Logger, Metrics, type Plugin } from '@outrigger/core';
import { settings, type TracingSettings } from './settings.ts';
import { Tracing } from './tracing.ts';

export type { TracingSettings } from './settings.ts';

export interface TracingOptions {
  /**
   * OpenTelemetry's `service.name`, which the program that composes knows from its configuration. A function is asked when
   * the plugin is composed: the plugin itself is needed before there is a configuration, to validate it.
   */
  readonly serviceName: string | (() => string);
}

/** Continues or begins the trace of each session (W3C Trace Context), and exports its spans by OTLP/HTTP. */
export function tracing({ serviceName }: TracingOptions): Plugin<TracingSettings> {
  return definePlugin<TracingSettings>({
    name: 'tracing',
    config: settings,
    bind(bind, settings) {
      bind(Tracing)
        .toResolvedValue(
          (clock: Clock, logger: Logger, metrics: Metrics) =>
            new Tracing({
              settings,
              env: process.env,
              serviceName: typeof serviceName === 'function' ? serviceName() : serviceName,
              clock,
              logger,
              metrics,
            }),
          [Clock, Logger, Metrics],
        )
        .inSingletonScope();
      bind(ConnectionHooks).toResolvedValue((parts: Tracing) => parts.hooks, [Tracing]);
      bind(Lifecycle).toResolvedValue((parts: Tracing) => parts, [Tracing]);
    },
  });
}
