import { isIPv6 } from 'node:net';
import type { Discovery, Schema } from '@outrigger/core';
import { NameServers } from './name-servers.ts';
import type { Resolver } from './resolver.ts';
import { type LookupOptions, REFRESH_MS, WatchedName } from './watched-name.ts';

/** `discovery: { dns: … }`, validated; times in milliseconds. */
export interface DnsSpec {
  readonly host: string;
  readonly port: number;
  readonly servers?: readonly string[];
  /** Infinity: the TTL alone says. */
  readonly refresh?: number;
  readonly minRefresh?: number;
}

/** Envoy's `dns_min_refresh_rate`. */
const MIN_REFRESH_MS = 1_000;

export const dnsConfig: Schema = {
  host: { doc: 'Name whose A and AAAA records are the endpoints.', format: String },
  port: { doc: 'Port of every endpoint.', format: 'port' },
  servers: {
    doc: "Name servers that are asked, `ip:port`; the system's where it is missing.",
    format: { list: nameServer },
    optional: true,
  },
  refresh: {
    doc: 'Longest time from one look-up to the next, give or take a tenth; a shorter TTL makes it shorter. off: the TTL alone says.',
    format: 'duration',
    default: '30s',
  },
  minRefresh: {
    doc: 'Shortest time from one look-up to the next, give or take a tenth, however short the TTL is.',
    format: 'duration',
    default: '1s',
  },
};

/** Every A and AAAA record of a name is an endpoint of its own, `ip:port`. */
export function dnsDiscovery(options: LookupOptions): Discovery {
  return {
    name: 'dns',
    config: dnsConfig,
    watch(spec, onChange, failed) {
      const { host, port, servers, refresh = REFRESH_MS, minRefresh = MIN_REFRESH_MS } = spec as DnsSpec;
      let reported = false;
      const asked = resolverOf(host, servers, options.resolve);
      const name = new WatchedName(
        host,
        { ...options, resolve: asked.resolve, refreshMs: refresh, minRefreshMs: minRefresh },
        {
          resolved(addresses) {
            reported = true;
            onChange(addresses.map((ip) => ({ address: isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}` })));
          },
          failed(error) {
            // The list first: it would otherwise look like the end of the failure.
            if (!reported) onChange([]);
            reported = true;
            failed(error);
          },
        },
      );
      return {
        [Symbol.dispose]() {
          name[Symbol.dispose]();
          asked[Symbol.dispose]();
        },
      };
    },
  };
}

/**
 * Name servers know the TTL. What they do not know is looked up by the system, which may find it in /etc/hosts or by a search
 * domain; so are names without a dot at once. `servers` that were named are asked alone.
 */
function resolverOf(
  host: string,
  servers: readonly string[] | undefined,
  system: Resolver,
): Disposable & { readonly resolve: Resolver } {
  if (servers === undefined && !host.includes('.')) return { resolve: system, [Symbol.dispose]() {} };
  const nameServers = new NameServers(servers);
  return {
    resolve: (name) =>
      servers === undefined ? nameServers.resolve(name).catch(() => system(name)) : nameServers.resolve(name),
    [Symbol.dispose]: () => nameServers[Symbol.dispose](),
  };
}

function nameServer(value: unknown): void {
  const good = typeof value === 'string' && /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(value);
  if (!good) throw new Error('must be ip:port or [ipv6]:port');
}
