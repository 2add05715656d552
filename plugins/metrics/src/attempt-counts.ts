import type { Endpoint } from '@outrigger/core';
import { isFailure } from './failure.ts';

/** What is counted of a listener, a cluster or an endpoint, by place; the buckets of the durations are behind these. */
export const FAILED = 0;
export const OPENED = 1;
/** WebSocket messages: counted by listener alone. */
export const RECEIVED = 2;
export const SENT = 3;
export const BUCKETS_FROM = 4;

/** Nothing yet, of so many buckets. */
export function noCounts(buckets: number): number[] {
  return new Array<number>(BUCKETS_FROM + buckets).fill(0);
}

/** An attempt at an endpoint has ended, with its duration in that bucket of so many. On each session's way: an addition. */
export function countAttempt(
  endpoint: Endpoint,
  bucket: number,
  buckets: number,
  status: number,
  cause: string | undefined,
): void {
  endpoint.attemptCounts ??= noCounts(buckets);
  const counts = endpoint.attemptCounts;
  counts[BUCKETS_FROM + bucket]!++;
  if (status === 101) counts[OPENED]!++;
  else if ((status >= 500 || cause !== undefined) && isFailure(String(status), cause ?? '')) counts[FAILED]!++;
}
