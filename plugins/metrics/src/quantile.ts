/**
 * The value below which `q` (0 to 1) of what a histogram counted lies: interpolated within its bucket, as Prometheus'
 * `histogram_quantile` does. `counts` are not summed up, and have one more than `bounds`: what lies above the last bound is told
 * as that bound. Null where nothing was counted.
 */
export function quantile(q: number, counts: ArrayLike<number>, bounds: readonly number[]): number | null {
  let total = 0;
  for (let i = 0; i <= bounds.length; i++) total += counts[i]!;
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const inside = counts[i]!;
    if (inside > 0 && below + inside >= rank) {
      const from = i === 0 ? 0 : bounds[i - 1]!;
      return from + (bounds[i]! - from) * ((rank - below) / inside);
    }
    below += inside;
  }
  return bounds.at(-1)!;
}
