import { hashOf } from '../../data/address.ts';
import type { ListenerAnswer, Overview } from '../../data/answers.ts';
import { count, latency, number, percent, rate } from '../../data/format.ts';
import { Badge } from '../../parts/badge.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';
import { type Column, Table } from '../../parts/table.tsx';

/** A certificate that ends within so many days is coloured. */
const SOON = 14;

type Row = ListenerAnswer & { readonly traffic: Overview['total'] | undefined };

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'name',
    title: 'Listener',
    cell: ({ name }) => <a href={hashOf('sessions', undefined, { listener: name })}>{name}</a>,
  },
  { key: 'state', title: 'State', cell: stateOf },
  { key: 'address', title: 'Address', cell: ({ protocol, address }) => `${protocol} ${address}` },
  { key: 'connections', title: 'Connections', numeric: true, cell: ({ connections }) => number(connections) },
  { key: 'open', title: 'WebSockets', numeric: true, cell: ({ traffic }) => number(traffic?.webSockets.open) },
  { key: 'rate', title: 'Requests', numeric: true, cell: ({ traffic }) => rate(traffic?.requests.perSecond) },
  { key: 'success', title: 'Success', numeric: true, cell: ({ traffic }) => percent(traffic?.requests.successRatio) },
  { key: 'p50', title: 'p50', numeric: true, cell: ({ traffic }) => latency(traffic?.requests.p50Seconds) },
  { key: 'p95', title: 'p95', numeric: true, cell: ({ traffic }) => latency(traffic?.requests.p95Seconds) },
  { key: 'p99', title: 'p99', numeric: true, cell: ({ traffic }) => latency(traffic?.requests.p99Seconds) },
  {
    key: 'course',
    title: 'Last minutes',
    cell: ({ name, traffic }) => (
      <Sparkline
        points={traffic?.series.perSecond}
        failed={traffic?.series.failedPerSecond}
        label={`requests per second of ${name}`}
      />
    ),
  },
];

function stateOf({ state, tls }: Row) {
  const left = Math.min(...(tls?.certificates ?? []).map(({ daysLeft }) => daysLeft));
  return (
    <>
      <Badge tone={state === 'accepting' ? 'good' : 'warn'}>{state}</Badge>
      {left < SOON && <span class="why warn">certificate ends in {count(left, 'day')}</span>}
    </>
  );
}

/** What is accepted on. */
export function Listeners({
  listeners,
  traffic,
}: {
  listeners: readonly ListenerAnswer[];
  traffic: Overview | undefined;
}) {
  const rows = listeners.map((one) => ({ ...one, traffic: traffic?.listeners[one.name] }));
  return (
    <Table caption="Listeners" columns={COLUMNS} rows={rows} keyOf={({ name, address }) => `${name} ${address}`} />
  );
}
