import { AdminRoute, Clock, definePlugin, Lifecycle, Logger, Sessions, Sidecar } from '@outrigger/core';
import { Admin, type AdminSettings } from './admin.ts';
import { liveRoute } from './live.ts';
import { frontRoute, partsRoute } from './page-routes.ts';
import { routes } from './routes.ts';
import { readToken } from './token.ts';

export type { AdminSettings } from './admin.ts';

/**
 * Serves what the sidecar and its plugins tell about themselves, on an address for people and on one for probes. The
 * program that composes puts the file's `admin:` and `probes:` into its settings.
 */
export default definePlugin<AdminSettings>({
  name: 'admin',
  bind(bind, settings) {
    // Only looked at: what is wrong with it is wrong with the configuration.
    const guarded = settings.admin ? readToken(settings.admin) !== undefined : false;
    bind(Lifecycle).toResolvedValue(
      (sidecar: Sidecar, logger: Logger, clock: Clock) =>
        new Admin(settings, sidecar, logger.child({ plugin: 'admin' }), clock),
      [Sidecar, Logger, Clock],
    );
    for (const route of [frontRoute, ...routes, liveRoute, partsRoute])
      bind(AdminRoute).toResolvedValue(
        (sidecar: Sidecar, sessions: Sessions, clock: Clock, logger: Logger) =>
          route({ sidecar, sessions, clock, logger, guarded }),
        [Sidecar, Sessions, Clock, Logger],
      );
  },
});
