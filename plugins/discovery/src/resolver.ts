import { lookup } from 'node:dns/promises';

/** Turns a name into IP addresses, in order of preference. Rejects where there is none. */
export type Resolver = (name: string) => Promise<readonly string[]>;

/** What the operating system says (`getaddrinfo`), so that /etc/hosts and search domains count; IPv4 and IPv6 in its order. */
export const systemResolver: Resolver = async (name) => {
  const answers = await lookup(name, { all: true, order: 'verbatim' });
  return answers.map(({ address }) => address);
};
