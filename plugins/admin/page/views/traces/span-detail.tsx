import { hashOf } from '../../data/address.ts';
import type { SpanAnswer } from '../../data/answers.ts';
import { latency, plain } from '../../data/format.ts';
import { Fields } from '../../parts/fields.tsx';

/** What is known of one span. */
export function SpanDetail({ span }: { span: SpanAnswer }) {
  const session = span.attributes['outrigger.session.id'];
  return (
    <section aria-label="The selected span">
      <h2>{span.name}</h2>
      <Fields
        of={[
          ['span', span.spanId],
          ['kind', span.kind.toLowerCase()],
          ['status', span.status],
          ['began', span.startedAt],
          ['took', latency(span.durationMs / 1_000)],
          ...(typeof session === 'string'
            ? [['session', <a href={hashOf('sessions', session)}>{session}</a>] as const]
            : []),
          ...(span.links ?? []).map(
            ({ traceId, spanId }) =>
              [`linked span ${spanId}`, <a href={hashOf('traces', traceId)}>trace {traceId}</a>] as const,
          ),
          ...Object.entries(span.attributes).map(([name, value]) => [name, plain(value)] as const),
        ]}
      />
    </section>
  );
}
