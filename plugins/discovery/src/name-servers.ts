import { Resolver } from 'node:dns/promises';
import type { Answer } from './resolver.ts';

/** One query waits so long for its answer, and is sent twice. */
const TIMEOUT_MS = 2_000;
const TRIES = 2;

/** There is no such record: an answer, where every other code tells of a failure. */
const NO_RECORD = new Set(['ENODATA', 'ENOTFOUND']);

interface Records {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

const NONE: Records = { addresses: [], ttlMs: Number.POSITIVE_INFINITY };

/**
 * Asks name servers themselves for the A and AAAA records of one name (RFC 1035, RFC 3596): they tell how long an answer holds,
 * which `getaddrinfo` does not. Where one of the two questions fails, what it had last time holds on, so that a server that is in
 * trouble with AAAA takes no IPv6 endpoint away.
 */
export class NameServers implements Disposable {
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  /** The last answer to each question. */
  readonly #known = new Map<'resolve4' | 'resolve6', readonly string[]>();

  /** `servers`: `ip:port`, asked in turn; those of the system where none is given. */
  constructor(servers?: readonly string[]) {
    if (servers !== undefined) this.#resolver.setServers(servers);
  }

  /** Rejects where both questions fail, and where the name has no address. */
  async resolve(name: string): Promise<Answer> {
    const questions = ['resolve4', 'resolve6'] as const;
    const answers = await Promise.allSettled(questions.map((question) => this.#ask(question, name)));
    const [failed, failedToo] = answers.filter((answer) => answer.status === 'rejected');
    if (failedToo !== undefined) throw failed!.reason;
    const fresh: number[] = [];
    const addresses = answers.flatMap((answer, i) => {
      const question = questions[i]!;
      if (answer.status === 'rejected') return this.#known.get(question) ?? [];
      fresh.push(answer.value.ttlMs);
      this.#known.set(question, answer.value.addresses);
      return answer.value.addresses;
    });
    if (addresses.length === 0) throw failed?.reason ?? new Error('it has no address');
    return { addresses, ttlMs: Math.min(...fresh) };
  }

  /** Questions under way fail. */
  [Symbol.dispose](): void {
    this.#resolver.cancel();
  }

  async #ask(question: 'resolve4' | 'resolve6', name: string): Promise<Records> {
    try {
      const answers = await this.#resolver[question](name, { ttl: true });
      const ttlMs = Math.min(...answers.map(({ ttl }) => ttl)) * 1_000;
      return { addresses: answers.map(({ address }) => address), ttlMs };
    } catch (error) {
      if (NO_RECORD.has((error as NodeJS.ErrnoException).code!)) return NONE;
      throw error;
    }
  }
}
