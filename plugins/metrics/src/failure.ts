import { CAUSES, type Cause, describeCause } from '@outrigger/core';

/**
 * Whether a request or an attempt with these labels has failed: a 5xx, or a cause of ours that lies with the endpoint or with the
 * sidecar. What the client did is no failure: a 4xx, or that it left.
 */
export function isFailure(status: string, error: string): boolean {
  if (status.length === 3 && status.startsWith('5')) return true;
  if (!Object.hasOwn(CAUSES, error) && !error.startsWith('plugin:')) return false;
  return describeCause(error as Cause).source !== 'downstream';
}
