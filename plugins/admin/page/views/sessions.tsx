import { useState } from 'preact/hooks';
import type { Address } from '../data/address.ts';
import type { SessionAnswer } from '../data/answers.ts';
import { number } from '../data/format.ts';
import { formatOrder, parseOrder, sorted } from '../data/order.ts';
import { setQuery } from '../data/use-address.ts';
import { useLive } from '../data/use-live.ts';
import { Table } from '../parts/table.tsx';
import { COLUMNS } from './sessions/columns.tsx';
import { CHOICES, SessionFilters } from './sessions/session-filters.tsx';

/** So many rows are drawn, until more are asked for. */
const PAGE = 200;

/** The open sessions. */
export function Sessions({ address }: { address: Address }) {
  const [shown, show] = useState(PAGE);
  const { query } = address;
  const chosen = CHOICES.filter((name) => query.get(name)).map((name) => [name, query.get(name)!]);
  const search = new URLSearchParams(chosen);
  const { value } = useLive('/sessions', String(search));
  const order = parseOrder(query.get('sort'), '-age');
  const sessions = value?.sessions ?? [];
  const text = query.get('text') ?? '';
  const found = text === '' ? sessions : sessions.filter(finder(text));
  const { sortBy } = COLUMNS.find(({ key }) => key === order.key) ?? {};
  const rows = sortBy === undefined ? found : sorted(found, sortBy, order.descending);
  return (
    <>
      <h1>Sessions</h1>
      <SessionFilters address={address} sessions={sessions} />
      <p class="note" role="status">
        {value === undefined
          ? 'Waiting for the first data …'
          : `${number(text === '' ? value.matching : rows.length)} of ${number(value.open)} open sessions`}
        {value !== undefined && value.matching > sessions.length && (
          <>
            {' '}
            – the oldest {number(sessions.length)} of {number(value.matching)} that match are looked at
          </>
        )}
      </p>
      <Table
        caption="Open sessions"
        columns={COLUMNS}
        rows={rows.slice(0, shown)}
        keyOf={({ id }) => id}
        order={order}
        onOrder={(next) => setQuery('sessions', address, 'sort', formatOrder(next))}
      />
      {rows.length > shown && (
        <button type="button" onClick={() => show(shown + PAGE)}>
          Show {number(Math.min(PAGE, rows.length - shown))} more
        </button>
      )}
    </>
  );
}

function finder(text: string): (session: SessionAnswer) => boolean {
  return ({ id, peer }) => id.includes(text.trim()) || peer.includes(text.trim());
}
