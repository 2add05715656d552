import { useState } from 'preact/hooks';
import { hashOf } from '../data/address.ts';
import { count, latency, timeOfDay } from '../data/format.ts';
import { useLive } from '../data/use-live.ts';
import { Badge } from '../parts/badge.tsx';
import { SpanDetail } from './traces/span-detail.tsx';
import { Waterfall } from './traces/waterfall.tsx';

/** One trace, span by span. */
export function TraceDetail({ id }: { id: string }) {
  const { value, error } = useLive('/traces', `trace=${id}`);
  const [selected, select] = useState<string>();
  const trace = value?.traces[0];
  const span = trace?.spans.find(({ spanId }) => spanId === selected) ?? trace?.spans[0];
  return (
    <>
      <p>
        <a href={hashOf('traces')}>All traces</a>
      </p>
      <h1>
        Trace <span class="id">{id}</span>
      </h1>
      {error !== undefined && <p class="absent">{error}</p>}
      {trace !== undefined && (
        <>
          <p class="note">
            {timeOfDay(trace.startedAt)}, {latency(trace.durationMs / 1_000)}, {count(trace.spans.length, 'span')}{' '}
            {trace.status === 'error' && <Badge tone="bad">error</Badge>}
          </p>
          <Waterfall trace={trace} selected={span?.spanId} onSelect={select} />
        </>
      )}
      {span !== undefined && <SpanDetail span={span} />}
    </>
  );
}
