import { isIPv6 } from 'node:net';
import type { Discovery, Schema } from '@outrigger/core';
import { type LookupOptions, REFRESH_MS, WatchedName } from './watched-name.ts';

/** `discovery: { dns: … }`, validated. */
export interface DnsSpec {
  readonly host: string;
  readonly port: number;
  /** Milliseconds; Infinity asks once. */
  readonly refresh?: number;
}

export const dnsConfig: Schema = {
  host: { doc: 'Name whose A and AAAA records are the endpoints.', format: String },
  port: { doc: 'Port of every endpoint.', format: 'port' },
  refresh: { doc: 'Time from one look-up to the next, give or take a tenth.', format: 'duration', default: '30s' },
};

/** Every A and AAAA record of a name is an endpoint of its own, `ip:port`. */
export function dnsDiscovery(options: LookupOptions): Discovery {
  return {
    name: 'dns',
    config: dnsConfig,
    watch(spec, onChange, failed) {
      const { host, port, refresh = REFRESH_MS } = spec as DnsSpec;
      let reported = false;
      return new WatchedName(
        host,
        { ...options, refreshMs: refresh },
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
    },
  };
}
