import { randomBytes } from 'node:crypto';
import { AdminDetails, BalancerFactory, Clock, ConnectionHooks, definePlugin } from '@outrigger/core';
import { first } from './first.ts';
import { leastConnections } from './least-connections.ts';
import { leastRequest } from './least-request.ts';
import { maglev } from './maglev.ts';
import { Latencies, peakEwma } from './peak-ewma.ts';
import { random } from './random.ts';
import { ringHash } from './ring-hash.ts';
import { roundRobin } from './round-robin.ts';
import { stickyHooks, stickySection } from './sticky.ts';

export { RoundRobin, roundRobin } from './round-robin.ts';

/** The policies that a cluster's `balancer:` may name, beside `peak-ewma`, which needs a clock. */
export const policies: readonly BalancerFactory[] = [
  roundRobin,
  random,
  leastRequest,
  leastConnections,
  ringHash,
  maglev,
  first,
];

/** Which endpoint a session goes to: the policies, and the cookie that brings a client back. */
export default definePlugin<{ readonly secret?: string }>({
  name: 'scheduling',
  config: {
    secret: {
      doc: 'Key of the cookies of sticky:, the same in every sidecar that shares them. Without it each start makes one, and cookies of before are replaced.',
      format: String,
      optional: true,
      env: 'OUTRIGGER_STICKY_SECRET',
      sensitive: true,
    },
  },
  sections: { cluster: { sticky: stickySection } },
  bind(bind, { secret }) {
    for (const policy of policies) bind(BalancerFactory).toConstantValue(policy);
    bind(Latencies)
      .toResolvedValue((clock: Clock) => new Latencies(clock), [Clock])
      .inSingletonScope();
    bind(BalancerFactory).toResolvedValue(peakEwma, [Clock, Latencies]);
    bind(AdminDetails).toResolvedValue((latencies: Latencies): AdminDetails => latencies.details, [Latencies]);
    bind(ConnectionHooks).toConstantValue(stickyHooks(secret === undefined ? randomBytes(32) : Buffer.from(secret)));
    bind(ConnectionHooks).toConstantValue({
      // Of our own policies peak-ewma alone asks for them; one of another plugin may.
      wanted: ({ clusters }) =>
        clusters.some(({ balancer }) => !policies.some(({ policy }) => policy === balancer.policy)),
      onPong(session, side, ms) {
        const endpoint = session.attempts.at(-1)?.endpoint;
        if (side === 'upstream' && endpoint !== undefined) session.cluster?.observe(endpoint, { kind: 'ping', ms });
      },
    });
  },
});
