import type { Endpoint } from '@outrigger/core';

/** Whether a session has already failed at `endpoint`. By address: the list may have been made anew in between. */
export function isTried(endpoint: Endpoint, tried: readonly Endpoint[]): boolean {
  for (let i = 0; i < tried.length; i++)
    if (tried[i] === endpoint || tried[i]!.address === endpoint.address) return true;
  return false;
}
