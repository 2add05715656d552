import type { SpanAnswer, TraceAnswer } from './answers.ts';

/** A span where a waterfall draws it. */
export interface Bar {
  readonly span: SpanAnswer;
  /** How many of its ancestors are in the trace. */
  readonly depth: number;
  /** Of the whole trace, 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/** An attribute of the first span that has it. */
export function attributeOf({ spans }: TraceAnswer, name: string): string | number | undefined {
  for (const { attributes } of spans) {
    const value = attributes[name];
    if (typeof value === 'string' || typeof value === 'number') return value;
  }
  return undefined;
}

/** The spans as a tree, parents before their children, each in the order in which it began. */
export function waterfall({ spans, durationMs }: TraceAnswer): Bar[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId = '' }) => (ids.has(parentSpanId) ? parentSpanId : ''));
  const whole = Math.max(durationMs, 0.001);
  const bars: Bar[] = [];
  const add = (parent: string, depth: number) => {
    for (const span of children.get(parent) ?? []) {
      const from = Math.min(1, span.offsetMs / whole);
      bars.push({ span, depth, from, to: Math.min(1, from + span.durationMs / whole) });
      add(span.spanId, depth + 1);
    }
  };
  add('', 0);
  return bars;
}
