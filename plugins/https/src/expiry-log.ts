import type { Clock, Logger } from '@outrigger/core';
import { type Certificate, daysLeft } from './certificate.ts';

const DAY_MS = 24 * 3_600_000;

/** Warns of certificates that end soon, once a day each. */
export class ExpiryLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** In milliseconds before the end. */
  readonly #from: number;
  /** When each was last told of, by place and fingerprint. */
  readonly #told = new Map<string, number>();

  constructor(clock: Clock, logger: Logger, from: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.#from = from;
  }

  /** Called with what is in use, once a minute. */
  look(where: { listener: string } | { cluster: string }, certificates: readonly Certificate[]): void {
    const now = this.#clock.wallTime();
    for (const one of certificates) {
      const { file, notAfter, fingerprint256 } = one;
      const key = `${JSON.stringify(where)} ${fingerprint256}`;
      if (notAfter - now > this.#from || now - (this.#told.get(key) ?? -DAY_MS) < DAY_MS) continue;
      this.#told.set(key, now);
      const fields = { ...where, file, notAfter: new Date(notAfter).toISOString(), daysLeft: daysLeft(one, now) };
      if (notAfter < now) this.#logger.error('a certificate has expired', fields);
      else this.#logger.warn('a certificate expires soon', fields);
    }
  }
}
