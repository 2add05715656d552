import { BalancerFactory, definePlugin } from '@outrigger/core';
import { roundRobin } from './round-robin.ts';

export { RoundRobin, roundRobin } from './round-robin.ts';

/** The policies that a cluster's `balancer:` may name. */
export const policies: readonly BalancerFactory[] = [roundRobin];

export default definePlugin({
  name: 'scheduling',
  bind(bind) {
    for (const policy of policies) bind(BalancerFactory).toConstantValue(policy);
  },
});
