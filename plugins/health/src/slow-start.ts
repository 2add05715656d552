import type { SlowStartSettings } from './settings.ts';

/** Envoy's formula: after `ms` of the window a weight counts `max(minWeight, (ms / window) ^ (1 / aggression))` of itself. */
export function slowStartFactor({ window, aggression, minWeight }: SlowStartSettings, ms: number): number {
  if (ms >= window) return 1;
  return Math.max(minWeight, (Math.max(0, ms) / window) ** (1 / aggression));
}
