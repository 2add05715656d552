import { Clock, Discovery, definePlugin } from '@outrigger/core';
import { dnsDiscovery } from './dns.ts';
import { systemResolver } from './resolver.ts';
import { staticDiscovery } from './static.ts';

export { type DnsSpec, dnsConfig, dnsDiscovery } from './dns.ts';
export { NameServers } from './name-servers.ts';
export { type Answer, type Resolver, systemResolver } from './resolver.ts';
export { staticDiscovery } from './static.ts';
export type { LookupOptions } from './watched-name.ts';

/** Where endpoints come from: the configuration's own list, and DNS. */
export default definePlugin({
  name: 'discovery',
  bind(bind) {
    const withClock = (make: typeof staticDiscovery) => (clock: Clock) =>
      make({ clock, resolve: systemResolver, random: Math.random });
    bind(Discovery).toResolvedValue(withClock(staticDiscovery), [Clock]).inSingletonScope();
    bind(Discovery).toResolvedValue(withClock(dnsDiscovery), [Clock]).inSingletonScope();
  },
});
