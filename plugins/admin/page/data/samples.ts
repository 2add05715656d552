import type { SessionAnswer } from './answers.ts';

/** Messages per second between two looks at a session; null at the first one. */
export interface Sample {
  readonly ageSeconds: number;
  readonly totals: { readonly received: number; readonly sent: number };
  readonly received: number | null;
  readonly sent: number | null;
}

const KEPT = 90;

/** The samples with one more. The session's own age is the clock, so that a late answer makes no rate wrong. */
export function sampled(before: readonly Sample[], { ageSeconds, messages }: SessionAnswer): readonly Sample[] {
  if (messages === undefined) return before;
  const last = before.at(-1);
  const seconds = last === undefined ? 0 : ageSeconds - last.ageSeconds;
  const perSecond = (way: 'received' | 'sent') =>
    last === undefined || seconds <= 0 ? null : (messages[way] - last.totals[way]) / seconds;
  const sample = { ageSeconds, totals: messages, received: perSecond('received'), sent: perSecond('sent') };
  return [...before, sample].slice(-KEPT);
}
