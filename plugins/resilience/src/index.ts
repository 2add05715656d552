import {
  AdminDetails,
  Clock,
  ConnectionHooks,
  definePlugin,
  EndpointWeight,
  Metrics,
  RetryPolicy,
} from '@outrigger/core';
import { endpointLimits } from './endpoint-limits.ts';
import { limitHooks } from './limits.ts';
import { loadDetails } from './load.ts';
import { Retries } from './retries.ts';
import { sections } from './settings.ts';

/** What protects a cluster from too much, and a session from an endpoint that fails. */
export default definePlugin({
  name: 'resilience',
  sections,
  bind(bind) {
    bind(Retries)
      .toResolvedValue((metrics: Metrics) => new Retries(metrics), [Metrics])
      .inSingletonScope();
    bind(EndpointWeight).toConstantValue(endpointLimits);
    bind(AdminDetails).toConstantValue(loadDetails);
    bind(RetryPolicy).toResolvedValue((retries: Retries) => retries, [Retries]);
    bind(ConnectionHooks).toResolvedValue((retries: Retries) => retries.hooks, [Retries]);
    bind(ConnectionHooks).toResolvedValue(
      (clock: Clock, metrics: Metrics) => limitHooks(clock, metrics),
      [Clock, Metrics],
    );
  },
});
