import { isIP } from 'node:net';
import { type Discovery, type EndpointSpec, parseAddress } from '@outrigger/core';
import { type LookupOptions, REFRESH_MS, WatchedName } from './watched-name.ts';

/**
 * `endpoints:` of a cluster. IP addresses and Unix-domain sockets are endpoints at once. A name is one endpoint whatever
 * number of addresses it has, from its first answer on, and is looked up again every 30 s.
 */
export function staticDiscovery(options: LookupOptions): Discovery {
  return {
    name: 'static',
    watch(spec, onChange, failed) {
      const listed = spec as readonly EndpointSpec[];
      const answers = new Map<string, readonly string[] | 'failed' | 'asked'>();
      for (const { address } of listed) {
        const name = nameIn(address);
        if (name !== undefined) answers.set(name, 'asked');
      }

      const report = () => onChange(listed.map((one) => known(one, answers)).filter((one) => one !== undefined));
      // A list of names alone is first reported when one has an answer, or when none has: never empty for a moment only.
      if (answers.size === 0 || listed.some(({ address }) => nameIn(address) === undefined)) report();

      const names = [...answers.keys()].map(
        (name) =>
          new WatchedName(
            name,
            { ...options, refreshMs: REFRESH_MS },
            {
              resolved(addresses) {
                answers.set(name, addresses);
                report();
              },
              failed(error) {
                const first = answers.get(name) === 'asked';
                if (first) answers.set(name, 'failed');
                // The list first: it would otherwise look like the end of the failure.
                if (first && [...answers.values()].every((answer) => answer === 'failed')) report();
                failed(error);
              },
            },
          ),
      );
      return {
        [Symbol.dispose]() {
          for (const name of names) name[Symbol.dispose]();
        },
      };
    },
  };
}

/** The name that must be looked up before `address` can be connected to. */
function nameIn(address: string): string | undefined {
  const parsed = parseAddress(address);
  return 'path' in parsed || isIP(parsed.host) ? undefined : parsed.host;
}

function known(one: EndpointSpec, answers: ReadonlyMap<string, readonly string[] | string>): EndpointSpec | undefined {
  const name = nameIn(one.address);
  if (name === undefined) return one;
  const answer = answers.get(name);
  return typeof answer === 'object' ? { ...one, resolved: answer } : undefined;
}
