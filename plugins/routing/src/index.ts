import { definePlugin, RouterFactory } from '@outrigger/core';
import { routeSection } from './match.ts';
import { RouteTable } from './route-table.ts';

export type { Match } from './match.ts';
export { RouteTable } from './route-table.ts';

/** Host, path, headers → cluster. */
export default definePlugin({
  name: 'routing',
  sections: { route: routeSection },
  bind(bind) {
    bind(RouterFactory).toConstantValue(RouteTable);
  },
});
