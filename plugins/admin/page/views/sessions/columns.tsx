import { hashOf } from '../../data/address.ts';
import type { BothSides, SessionAnswer } from '../../data/answers.ts';
import { bytes, duration, number } from '../../data/format.ts';
import type { Column } from '../../parts/table.tsx';

export const COLUMNS: readonly Column<SessionAnswer>[] = [
  {
    key: 'id',
    title: 'Session',
    cell: ({ id }) => (
      <a class="id" href={hashOf('sessions', id)} title={id}>
        {id.slice(0, 8)}
      </a>
    ),
  },
  { key: 'kind', title: 'Kind', cell: kindOf },
  { key: 'peer', title: 'Client', cell: ({ peer }) => peer },
  { key: 'path', title: 'Request', cell: ({ method, path }) => <span class="path">{`${method} ${path}`}</span> },
  { key: 'listener', title: 'Listener', cell: ({ listener }) => listener },
  { key: 'route', title: 'Route', cell: ({ route }) => route ?? '–' },
  { key: 'cluster', title: 'Cluster', cell: ({ cluster }) => cluster ?? '–' },
  { key: 'endpoint', title: 'Endpoint', cell: ({ endpoint }) => endpoint ?? '–' },
  {
    key: 'age',
    title: 'Age',
    numeric: true,
    sortBy: ({ ageSeconds }) => ageSeconds,
    cell: ({ ageSeconds }) => duration(ageSeconds),
  },
  { key: 'idle', title: 'Idle', numeric: true, sortBy: idleOf, cell: (session) => duration(idleOf(session)) },
  {
    key: 'messages',
    title: 'Messages',
    numeric: true,
    sortBy: ({ messages }) => messages?.total,
    cell: ({ messages }) => number(messages?.total),
  },
  {
    key: 'buffered',
    title: 'Buffered',
    numeric: true,
    sortBy: ({ buffered }) => buffered?.total,
    cell: ({ buffered }) => bytes(buffered?.total),
  },
];

function kindOf({ kind, eventStream }: SessionAnswer): string {
  return eventStream ? 'event stream' : kind;
}

/** Since the last byte of either side: the smaller one of the two. */
export function idleOf({ idleSeconds }: SessionAnswer): number | undefined {
  return typeof idleSeconds === 'object' ? least(idleSeconds) : idleSeconds;
}

function least({ downstream, upstream }: BothSides): number {
  return Math.min(downstream ?? Number.POSITIVE_INFINITY, upstream ?? Number.POSITIVE_INFINITY);
}
