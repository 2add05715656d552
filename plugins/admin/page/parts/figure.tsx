import type { ComponentChildren } from 'preact';

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly more?: string;
  readonly tone?: 'bad' | 'warn' | undefined;
  readonly children?: ComponentChildren;
}

/** One number that matters, with its name above and its course below. */
export function Figure({ name, value, more, tone, children }: FigureProps) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <dt>{name}</dt>
      <dd>
        <span class="value">{value}</span>
        {more !== undefined && <span class="more">{more}</span>}
        {children}
      </dd>
    </div>
  );
}
