import type { ServerResponse } from 'node:http';
import type { Clock } from '@outrigger/core';

/** Streams have so long for their last word. */
const LAST_WORD_MS = 1_000;

/** The replies that are being given: each learns when it is to end. */
export class OpenReplies {
  readonly #clock: Clock;
  readonly #open = new Map<ServerResponse, AbortController>();
  #emptied = () => {};
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The signal that is aborted when the client goes, or by {@link end}. Called once a request. */
  begin(response: ServerResponse): AbortSignal {
    const controller = new AbortController();
    this.#open.set(response, controller);
    if (this.#ended) controller.abort();
    response.once('close', () => {
      this.#open.delete(response);
      controller.abort();
      if (this.#open.size === 0) this.#emptied();
    });
    return controller.signal;
  }

  /** Resolves when every reply has been given to its end, or a second later. */
  async end(): Promise<void> {
    this.#ended = true;
    if (this.#open.size === 0) return;
    for (const controller of this.#open.values()) controller.abort();
    await new Promise<void>((resolve) => {
      const limit = this.#clock.after(LAST_WORD_MS, resolve);
      this.#emptied = () => {
        limit[Symbol.dispose]();
        resolve();
      };
    });
  }
}
