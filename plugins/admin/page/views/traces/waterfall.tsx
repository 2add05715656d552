import type { TraceAnswer } from '../../data/answers.ts';
import { latency } from '../../data/format.ts';
import { type Bar, waterfall } from '../../data/spans.ts';

interface WaterfallProps {
  readonly trace: TraceAnswer;
  readonly selected: string | undefined;
  readonly onSelect: (spanId: string) => void;
}

/** The spans of a trace in time. */
export function Waterfall({ trace, selected, onSelect }: WaterfallProps) {
  return (
    <ol class="waterfall" aria-label="Spans in the order in which they began">
      {waterfall(trace).map((bar) => (
        <li key={bar.span.spanId}>
          <button type="button" aria-pressed={bar.span.spanId === selected} onClick={() => onSelect(bar.span.spanId)}>
            <Line bar={bar} />
          </button>
        </li>
      ))}
    </ol>
  );
}

function Line({ bar: { span, depth, from, to } }: { bar: Bar }) {
  const failed = span.status === 'error';
  // Something that took no time is seen nevertheless.
  const width = Math.max(0.4, (to - from) * 100);
  return (
    <>
      <span class="name">
        {'  '.repeat(depth)}
        {titleOf(span.name, span.attributes)} <small>{span.kind.toLowerCase()}</small>
      </span>
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect
          class={failed ? 'failed' : 'span'}
          x={Math.min(from * 100, 100 - width)}
          y="1"
          width={width}
          height="8"
          rx="0.3"
        />
      </svg>
      <span class="took">
        {latency(span.durationMs / 1_000)}
        {failed && ' error'}
      </span>
    </>
  );
}

/** An attempt is told apart by where it went, a segment of a WebSocket by its number. */
function titleOf(name: string, attributes: Readonly<Record<string, unknown>>): string {
  const { 'server.address': host, 'server.port': port, 'http.request.resend_count': again } = attributes;
  const to = attributes['url.full'] !== undefined ? ` → ${host}:${port}` : '';
  return `${name}${to}${again === undefined ? '' : ` (retry ${again})`}`;
}
