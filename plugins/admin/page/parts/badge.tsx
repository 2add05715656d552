import type { Tone } from '../data/words.ts';

/** A state in a word; the colour says nothing that the word does not. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
