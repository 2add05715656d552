import { type Address, hashOf } from '../data/address.ts';
import type { TraceAnswer } from '../data/answers.ts';
import { latency, timeOfDay } from '../data/format.ts';
import { attributeOf } from '../data/spans.ts';
import { setQuery } from '../data/use-address.ts';
import { useLive } from '../data/use-live.ts';
import { Absent } from '../parts/absent.tsx';
import { Badge } from '../parts/badge.tsx';
import { Filters, Search } from '../parts/filters.tsx';
import { type Column, Table } from '../parts/table.tsx';

const LIMIT = 200;

const COLUMNS: readonly Column<TraceAnswer>[] = [
  { key: 'at', title: 'Began', cell: ({ startedAt }) => timeOfDay(startedAt) },
  {
    key: 'name',
    title: 'Trace',
    cell: ({ traceId, name }) => <a href={hashOf('traces', traceId)}>{`${name} ${traceId.slice(0, 8)}`}</a>,
  },
  { key: 'path', title: 'Path', cell: (trace) => <span class="path">{pathOf(trace)}</span> },
  {
    key: 'answer',
    title: 'Status',
    cell: (trace) => (
      <>
        {attributeOf(trace, 'http.response.status_code') ?? '–'}{' '}
        {trace.status === 'error' && <Badge tone="bad">error</Badge>}
      </>
    ),
  },
  { key: 'cluster', title: 'Cluster', cell: (trace) => attributeOf(trace, 'outrigger.cluster') ?? '–' },
  { key: 'spans', title: 'Spans', numeric: true, cell: ({ spans }) => String(spans.length) },
  { key: 'duration', title: 'Took', numeric: true, cell: ({ durationMs }) => latency(durationMs / 1_000) },
];

/** The traces that the sidecar still has. */
export function Traces({ address }: { address: Address }) {
  const { value, absent } = useLive('/traces', `limit=${LIMIT}`);
  const { query } = address;
  const onlyErrors = query.has('error');
  const path = query.get('path') ?? '';
  const slower = Number(query.get('slower') ?? 0);
  const found = (value?.traces ?? []).filter(
    (trace) =>
      (!onlyErrors || trace.status === 'error') && pathOf(trace).includes(path) && trace.durationMs >= (slower || 0),
  );
  const set = (name: string) => (text: string) => setQuery('traces', address, name, text);
  if (absent) return <Absent what="Traces are" path="/traces" plugin="tracing" />;
  return (
    <>
      <h1>Traces</h1>
      <Filters>
        <Search label="Path contains" value={path} onChange={set('path')} />
        <Search label="Slower than, in ms" value={query.get('slower') ?? ''} onChange={set('slower')} />
        <label class="check">
          <input
            type="checkbox"
            checked={onlyErrors}
            onChange={(event) => set('error')(event.currentTarget.checked ? '1' : '')}
          />
          <span>Errors only</span>
        </label>
      </Filters>
      <p class="note" role="status">
        {found.length} of the last {value?.traces.length ?? 0} traces that were sampled
      </p>
      <Table caption="Recent traces" columns={COLUMNS} rows={found} keyOf={({ traceId }) => traceId} />
    </>
  );
}

function pathOf(trace: TraceAnswer): string {
  return String(attributeOf(trace, 'url.path') ?? '');
}
