import type { Cause, Clock, Logger } from '@outrigger/core';

/** One line for each listener and cause within this time, whatever comes. */
const EVERY_MS = 10_000;

/** Logs failures of peers: each kind of them soon, none of them often. */
export class FailureLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #told = new Map<string, { at: number; more: number }>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  tell(message: string, where: { listener: string } | { cluster: string }, cause: Cause, fields: object): void {
    const key = `${Object.values(where).join()} ${cause}`;
    const now = this.#clock.now();
    const last = this.#told.get(key);
    if (last !== undefined && now - last.at < EVERY_MS) {
      last.more++;
      return;
    }
    const more = last === undefined || last.more === 0 ? {} : { more: last.more };
    this.#told.set(key, { at: now, more: 0 });
    this.#logger.info(message, { ...where, cause, ...fields, ...more });
  }
}
