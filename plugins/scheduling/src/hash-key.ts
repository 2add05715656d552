import { hashKey, type Schema, type Session } from '@outrigger/core';
import { cookieOf } from './cookie.ts';

export interface HashSettings {
  readonly header?: string;
  readonly cookie?: string;
  readonly query?: string;
  readonly source?: boolean;
  readonly path?: boolean;
}

/** `hash:` of the hashing policies. */
export const hashConfig: Schema = {
  header: { doc: 'Name of a header whose value is hashed.', format: String, optional: true },
  cookie: { doc: 'Name of a cookie whose value is hashed, where no header was found.', format: String, optional: true },
  query: {
    doc: 'Name of a query parameter whose value is hashed, where nothing was found so far.',
    format: String,
    optional: true,
  },
  path: { doc: 'Hashes the path, where nothing was found so far.', format: Boolean, default: false },
  source: {
    doc: "Hashes the peer's IP address, where nothing was found so far; so it is where hash: is empty.",
    format: Boolean,
    default: false,
  },
};

/** Tells what of a session is hashed; undefined where it has nothing of the kind, and any endpoint will do. */
export function hashKeyOf({
  header,
  cookie,
  query,
  path,
  source,
}: HashSettings = {}): (session: Session) => string | undefined {
  const bySource = source === true || (!header && !cookie && !query && !path);
  return (session) => {
    const { request } = session;
    let key = session.state(hashKey);
    if (key === undefined && header !== undefined) key = request.headers.get(header);
    if (key === undefined && cookie !== undefined) key = cookieOf(request.headers, cookie);
    if (key === undefined && query !== undefined) key = parameter(request.query, query);
    if (key === undefined && path === true) key = request.path;
    if (key === undefined && bySource) key = session.connection.peer.address.host;
    return key;
  };
}

/** The first `name=value` of a query, as it was sent. */
function parameter(query: string, name: string): string | undefined {
  for (let from = 0; from < query.length; ) {
    let end = query.indexOf('&', from);
    if (end === -1) end = query.length;
    if (query.startsWith(name, from) && query[from + name.length] === '=')
      return query.slice(from + name.length + 1, end);
    from = end + 1;
  }
  return undefined;
}
