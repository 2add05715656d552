import { lookup } from 'node:dns/promises';

/** The addresses of a name. */
export interface Answer {
  /** In order of preference. */
  readonly addresses: readonly string[];
  /** How long they may be taken for true, in milliseconds; undefined where nobody says. */
  readonly ttlMs?: number | undefined;
}

/** Turns a name into IP addresses. Rejects where it cannot. */
export type Resolver = (name: string) => Promise<Answer>;

/** What the operating system says (`getaddrinfo`), so that /etc/hosts and search domains count; IPv4 and IPv6 in its order. */
export const systemResolver: Resolver = async (name) => {
  const answers = await lookup(name, { all: true, order: 'verbatim' });
  return { addresses: answers.map(({ address }) => address) };
};
