/** Where on the page somebody is: `#/sessions/ID?kind=websocket`. */
export interface Address {
  /** The first part; empty for the overview. */
  readonly view: string;
  /** The second part, decoded. */
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

/** Reads the hash of an address. What it does not know becomes the overview. */
export function parseHash(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', id] = path.split('/', 2);
  return { view, id: id === undefined || id === '' ? undefined : decoded(id), query: new URLSearchParams(query) };
}

/** The hash of a view, without the filters that are empty. */
export function hashOf(view: string, id?: string, query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const path = id === undefined ? view : `${view}/${encodeURIComponent(id)}`;
  return `#/${path}${search.size > 0 ? `?${search}` : ''}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
