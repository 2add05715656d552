import { Clock, ConnectionHooks, definePlugin, Lifecycle, Logger, Metrics } from '@outrigger/core';
import { AccessLog } from './access-log.ts';
import { type AccessLogSettings, config } from './settings.ts';

export type { AccessLogSettings } from './settings.ts';

/** Writes a line for each session that has ended, and for WebSockets one at the start and in between. Off by default. */
export default definePlugin<AccessLogSettings>({
  name: 'access-log',
  config,
  bind(bind, settings) {
    if (settings.path === 'off') return;
    bind(AccessLog)
      .toResolvedValue(
        (clock: Clock, logger: Logger, metrics: Metrics) =>
          new AccessLog(settings, clock, logger.child({ plugin: 'access-log' }), metrics),
        [Clock, Logger, Metrics],
      )
      .inSingletonScope();
    bind(ConnectionHooks).toResolvedValue((log: AccessLog) => log.hooks, [AccessLog]);
    bind(Lifecycle).toResolvedValue((log: AccessLog) => log, [AccessLog]);
  },
});
