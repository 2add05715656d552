import type { Sliced } from '@outrigger/core';

/** So many entries of a list or a map go into one piece: their copy between two threads takes a millisecond or two. */
const ENTRIES = 200;

type Key = string | number;

/** A part of plain data: some entries of the list or map at `path`; the first piece has none and is the whole without them. */
interface Piece {
  readonly path: readonly Key[];
  readonly entries: readonly (readonly [key: Key, value: unknown])[];
  readonly whole?: unknown;
}

/** Takes plain data apart, however large its lists and maps are, into pieces that are small. */
export function* takeApart(data: unknown): Generator<Piece> {
  const large: { path: readonly Key[]; entries: [Key, unknown][] }[] = [];
  const without = (value: unknown, path: readonly Key[]): unknown => {
    if (!isList(value) && !isMap(value)) return value;
    const entries = entriesOf(value);
    if (entries.length > ENTRIES) {
      large.push({ path, entries });
      return isList(value) ? [] : {};
    }
    const kept = entries.map(([key, child]): [Key, unknown] => [key, without(child, [...path, key])]);
    return isList(value) ? kept.map(([, child]) => child) : Object.fromEntries(kept);
  };
  yield { path: [], entries: [], whole: { data: without(data, ['data']) } };
  for (let next = large.shift(); next !== undefined; next = large.shift()) {
    const { path, entries } = next;
    for (let from = 0; from < entries.length; from += ENTRIES)
      yield {
        path,
        entries: entries
          .slice(from, from + ENTRIES)
          .map(([key, child]) => [key, without(child, [...path, key])] as const),
      };
  }
}

/** Puts the pieces together again, in their order, and freezes the whole. */
export function* putTogether(pieces: Iterable<unknown>): Sliced<unknown> {
  let whole: unknown;
  for (const piece of pieces as Iterable<Piece>) {
    if (piece.whole !== undefined) whole = piece.whole;
    else {
      const into = piece.path.reduce((value, key) => (value as Record<Key, unknown>)[key], whole);
      for (const [key, value] of piece.entries) (into as Record<Key, unknown>)[key] = value;
    }
    yield;
  }
  yield* freeze(whole);
  return (whole as { readonly data: unknown }).data;
}

function* freeze(value: unknown): Sliced<void> {
  if (!isList(value) && !isMap(value)) return;
  Object.freeze(value);
  yield;
  for (const child of Object.values(value)) yield* freeze(child);
}

function entriesOf(value: readonly unknown[] | object): [Key, unknown][] {
  return isList(value) ? [...value.entries()] : Object.entries(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
