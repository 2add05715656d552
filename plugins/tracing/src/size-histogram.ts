import { MESSAGE_SIZE_BOUNDS, messageSizeBucket } from '@outrigger/core';

/** Counts sizes by {@link MESSAGE_SIZE_BOUNDS}. */
export class SizeHistogram {
  readonly counts = new Uint32Array(MESSAGE_SIZE_BOUNDS.length + 1);

  record(bytes: number): void {
    this.counts[messageSizeBucket(bytes)]!++;
  }
}
