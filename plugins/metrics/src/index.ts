import { AdminRoute, definePlugin, Metrics } from '@outrigger/core';
import { processMetrics } from './process-metrics.ts';
import { expose, PROMETHEUS } from './prometheus.ts';
import { Registry } from './registry.ts';

/** Keeps what the other plugins measure, and serves it at `/metrics` as Prometheus reads it. */
export default definePlugin({
  name: 'metrics',
  bind(bind) {
    bind(Registry)
      .toResolvedValue(() => {
        const registry = new Registry();
        processMetrics(registry);
        return registry;
      })
      .inSingletonScope();
    bind(Metrics).toResolvedValue((registry: Registry) => registry, [Registry]);
    bind(AdminRoute).toResolvedValue(
      (registry: Registry) => ({
        method: 'GET',
        path: '/metrics',
        doc: 'Everything that is measured, in the text format of Prometheus.',
        serve: () => ({ body: expose(registry.collect()), contentType: PROMETHEUS }),
      }),
      [Registry],
    );
  },
});
