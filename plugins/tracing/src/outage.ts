import type { Clock, Logger } from '@outrigger/core';

/**
 * Tells of spans that are lost once, and of the end of it once: however many are lost in between, however often an export
 * succeeds among failures.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #lost = 0;
  #lastLoss = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether spans were lost lately: who waits for the collector waits in vain. */
  get lasts(): boolean {
    return this.#lost > 0;
  }

  lost(spans: number, why: string): void {
    if (this.#lost === 0) this.#logger.warn('spans are lost; told once until it is over', { why });
    this.#lost += spans;
    this.#lastLoss = this.#clock.now();
  }

  /** An export has succeeded. */
  exported(): void {
    if (this.#lost === 0 || this.#clock.now() - this.#lastLoss < QUIET_MS) return;
    this.#logger.info('spans are exported again', { lost: this.#lost });
    this.#lost = 0;
  }
}

/** For so long nothing may have been lost for an outage to be over. */
const QUIET_MS = 10_000;
