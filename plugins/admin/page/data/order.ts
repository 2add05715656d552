/** By what a table is sorted. */
export interface Order {
  readonly key: string;
  readonly descending: boolean;
}

export type Value = number | string | null | undefined;

/** `-age` is descending. */
export function parseOrder(text: string | null, usual: string): Order {
  const written = text ?? usual;
  const descending = written.startsWith('-');
  return { key: descending ? written.slice(1) : written, descending };
}

export function formatOrder({ key, descending }: Order): string {
  return descending ? `-${key}` : key;
}

/** The rows in order; what has no value comes last either way, and rows that are equal keep their order. */
export function sorted<T>(rows: readonly T[], by: (row: T) => Value, descending: boolean): T[] {
  return rows
    .map((row) => ({ row, value: by(row) }))
    .sort((a, b) => {
      if (a.value == null || b.value == null) return (a.value == null ? 1 : 0) - (b.value == null ? 1 : 0);
      const way = a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
      return descending ? -way : way;
    })
    .map(({ row }) => row);
}
