/** Microseconds, and as much of a share or a rate: more would be noise. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
