import { useEffect, useState } from 'preact/hooks';
import { type Connection, live, type Told } from './live.ts';

/** What a path tells, now and whenever it changes; `undefined` where nothing is to be followed. */
export function useLive<T>(path: string | undefined): Told & { readonly value?: T } {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (path === undefined) return undefined;
    const unsubscribe = live.subscribe(() => redraw((n) => n + 1));
    const leave = live.want(path);
    return () => {
      unsubscribe();
      leave();
    };
  }, [path]);
  const told = path === undefined ? undefined : live.told(path);
  return (told ?? { at: 0 }) as Told & { readonly value?: T };
}

export function useConnection(): Connection {
  const [connection, set] = useState(live.connection);
  useEffect(() => live.subscribe(() => set(live.connection)), []);
  return connection;
}
