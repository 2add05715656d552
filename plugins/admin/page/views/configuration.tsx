import type { Address } from '../data/address.ts';
import type { ConfigValue } from '../data/answers.ts';
import { valuesOf } from '../data/config-values.ts';
import { plain } from '../data/format.ts';
import { setQuery } from '../data/use-address.ts';
import { useLive } from '../data/use-live.ts';
import { Choice, Filters, Search } from '../parts/filters.tsx';
import { type Column, Table } from '../parts/table.tsx';

const COLUMNS: readonly Column<ConfigValue>[] = [
  { key: 'path', title: 'Setting', cell: ({ path }) => <code>{path}</code> },
  { key: 'value', title: 'Value', cell: ({ value }) => <code class="value">{plain(value)}</code> },
  {
    key: 'origin',
    title: 'Comes from',
    cell: ({ origin }) => <span class={origin === 'default' ? 'dim' : undefined}>{origin ?? '–'}</span>,
  },
];

const KINDS = ['set', 'default'];

/** The configuration in force, and where each value of it comes from. */
export function Configuration({ address }: { address: Address }) {
  const { value } = useLive('/config_dump', 'origins');
  if (value === undefined) return <p class="absent">Waiting for the first data …</p>;
  const search = (address.query.get('text') ?? '').toLowerCase();
  const kind = address.query.get('origin') ?? '';
  const values = value.values ?? valuesOf(value.configuration);
  const found = values.filter(
    (one) =>
      `${one.path} ${plain(one.value)} ${one.origin ?? ''}`.toLowerCase().includes(search) &&
      (kind === '' || (one.origin === 'default') === (kind === 'default')),
  );
  const set = (name: string) => (text: string) => setQuery('configuration', address, name, text);
  return (
    <>
      <h1>Configuration</h1>
      {/* What made a reload fail stands above, on every view. */}
      {(value.problems ?? [])
        .filter(({ severity }) => severity === 'warning')
        .map(({ message }) => (
          <p key={message} class="banner warn">
            {message}
          </p>
        ))}
      <Filters>
        <Search label="Setting, value or origin" value={address.query.get('text') ?? ''} onChange={set('text')} />
        {value.values !== undefined && <Choice label="Origin" value={kind} options={KINDS} onChange={set('origin')} />}
      </Filters>
      <p class="note" role="status">
        Generation {value.generation}: {found.length} of {values.length} values; secrets are masked
        {value.values === undefined && '. Where they come from is not available in this sidecar'}
      </p>
      <Table caption="Configuration in force" columns={COLUMNS} rows={found} keyOf={({ path }) => path} />
    </>
  );
}
