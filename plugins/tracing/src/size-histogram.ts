/** Upper bounds of the sizes of messages, in bytes, inclusive; one more bucket takes what is above. */
export const SIZE_BOUNDS = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const;

/** Counts sizes by {@link SIZE_BOUNDS}. */
export class SizeHistogram {
  readonly counts = new Uint32Array(SIZE_BOUNDS.length + 1);

  record(bytes: number): void {
    let bucket = 0;
    while (bucket < SIZE_BOUNDS.length && bytes > SIZE_BOUNDS[bucket]!) bucket++;
    this.counts[bucket]!++;
  }
}
