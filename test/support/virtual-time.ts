import type { VirtualClock } from '@outrigger/core';

/**
 * So many milliseconds of virtual time something may come late by: a timer hangs in the wheel for up to one tick longer, and
 * for one more where it is armed between two.
 */
export const TICKS = 200;

/** Lets the event loop turn until `met`: for what becomes true with the next bytes, and has no event of its own. */
export async function eventually(met: () => boolean): Promise<void> {
  while (!met()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Lets the event loop turn a few times, so that bytes on the loopback arrive. */
export async function turns(count = 6): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * Lets virtual time pass by steps of 100 ms until `met`, with turns of the event loop between them; resolves to the
 * milliseconds that it took. `step` is called with the time before each of them. Throws after `limit` milliseconds.
 */
export async function passUntil(
  clock: VirtualClock,
  met: () => boolean,
  step: (elapsed: number) => void = () => {},
  limit = 200_000,
): Promise<number> {
  const began = clock.now();
  for (;;) {
    await turns();
    const elapsed = clock.now() - began;
    if (met()) return elapsed;
    if (elapsed >= limit) throw new Error(`not so after ${limit} ms of virtual time`);
    step(elapsed);
    clock.advance(100);
  }
}
