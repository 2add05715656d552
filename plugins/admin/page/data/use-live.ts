import { useEffect, useState } from 'preact/hooks';
import type { Answers } from './answers.ts';
import { type Connection, live, type Told } from './live.ts';

/** What a path tells, asked with that query, now and whenever it changes. */
export function useLive<P extends keyof Answers>(path: P, query = ''): Told<Answers[P]> {
  const asked = query === '' ? path : `${path}?${query}`;
  const [, redraw] = useState(0);
  useEffect(() => {
    const unsubscribe = live.subscribe(() => redraw((n) => n + 1));
    const leave = live.want(asked);
    return () => {
      unsubscribe();
      leave();
    };
  }, [asked]);
  return (live.told(asked) ?? { at: 0 }) as Told<Answers[P]>;
}

export function useConnection(): Connection {
  const [connection, set] = useState(live.connection);
  useEffect(() => live.subscribe(() => set(live.connection)), []);
  return connection;
}
