import type { PathList } from '../data/answers.ts';
import { live } from '../data/live.ts';
import { useConnection } from '../data/use-live.ts';
import { type Column, Table } from '../parts/table.tsx';
import { DrainAction } from './actions/drain-action.tsx';
import { LogLevel } from './actions/log-level.tsx';

type Path = PathList['paths'][number];

const COLUMNS: readonly Column<Path>[] = [
  { key: 'method', title: 'Method', cell: ({ method }) => method },
  {
    key: 'path',
    title: 'Path',
    cell: ({ method, path }) =>
      method === 'GET' && !path.endsWith('/*') && path !== '/live' ? <a href={path}>{path}</a> : <code>{path}</code>,
  },
  { key: 'doc', title: 'What it does', cell: ({ doc }) => <span class="doc">{doc}</span> },
];

/** What can be done, and what can be asked. */
export function Actions() {
  // The paths come with each connection.
  useConnection();
  return (
    <>
      <h1>Actions</h1>
      <DrainAction />
      <LogLevel />
      <h2>Paths of this address</h2>
      <Table caption="Paths" columns={COLUMNS} rows={live.paths} keyOf={({ method, path }) => `${method} ${path}`} />
    </>
  );
}
