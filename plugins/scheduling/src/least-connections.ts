import type { BalancerFactory } from '@outrigger/core';
import { FewestOpen } from './fewest-open.ts';

/** `least-connections`: the one with the fewest open sessions for its weight, exactly; for sessions that last. */
export const leastConnections: BalancerFactory = { policy: 'least-connections', create: () => new FewestOpen() };
