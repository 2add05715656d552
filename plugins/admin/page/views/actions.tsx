import type { PathList } from '../data/answers.ts';
import { hasToken, openInTab } from '../data/api.ts';
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
      method === 'GET' && !path.endsWith('/*') && path !== '/live' ? <PathLink path={path} /> : <code>{path}</code>,
  },
  { key: 'doc', title: 'What it does', cell: ({ doc }) => <span class="doc">{doc}</span> },
];

/** A link sends no token: where one is wanted the answer is fetched with it, and shown. */
function PathLink({ path }: { path: string }) {
  const open = (event: Event) => {
    if (!hasToken()) return;
    event.preventDefault();
    void openInTab(path);
  };
  return (
    <a href={path} onClick={open}>
      {path}
    </a>
  );
}

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
