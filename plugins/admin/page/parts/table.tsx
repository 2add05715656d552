import type { ComponentChildren } from 'preact';
import type { Order, Value } from '../data/order.ts';

export interface Column<T> {
  readonly key: string;
  readonly title: string;
  readonly numeric?: boolean;
  /** Makes the column one to sort by. */
  readonly sortBy?: (row: T) => Value;
  readonly cell: (row: T) => ComponentChildren;
}

/** A box in which something wide scrolls by itself, by keyboard as well. */
export function ScrollBox({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

interface TableProps<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly order?: Order;
  readonly onOrder?: (order: Order) => void;
}

/** Rows as they are given; the heads of columns that can be sorted by are buttons. */
export function Table<T>({ caption, columns, rows, keyOf, order, onOrder }: TableProps<T>) {
  return (
    <ScrollBox label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} order={order} onOrder={onOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ key, numeric, cell }) => (
                <td key={key} class={numeric ? 'numeric' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

interface HeadProps<T> {
  readonly column: Column<T>;
  readonly order: Order | undefined;
  readonly onOrder: ((order: Order) => void) | undefined;
}

function Head<T>({ column, order, onOrder }: HeadProps<T>) {
  const { key, title, numeric, sortBy } = column;
  const name = numeric ? 'numeric' : undefined;
  if (sortBy === undefined || onOrder === undefined)
    return (
      <th scope="col" class={name}>
        {title}
      </th>
    );
  const mine = order?.key === key;
  // Numbers are looked at from the largest on.
  const next = { key, descending: mine ? !order.descending : numeric === true };
  return (
    <th scope="col" class={name} aria-sort={mine ? (order.descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" class="sort" onClick={() => onOrder(next)}>
        {title}
        <span class="arrow" aria-hidden="true">
          {mine ? (order.descending ? '▼' : '▲') : ''}
        </span>
      </button>
    </th>
  );
}
