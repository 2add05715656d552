import { type Connection, isTrusted } from '@outrigger/core';

/** Whose trace context is continued. */
export type Trust = 'all' | 'none' | 'peers';

/** Whether the trace context that comes over a connection is continued; `peers` asks its listener's `trustedPeers`. */
export function trustIn(trust: Trust): (connection: Connection) => boolean {
  if (trust === 'all') return () => true;
  if (trust === 'none') return () => false;
  const known = new WeakMap<Connection, boolean>();
  return (connection) => {
    let trusted = known.get(connection);
    if (trusted === undefined) {
      const peers = connection.listener.settings['trustedPeers'];
      trusted = Array.isArray(peers) && isTrusted(peers, connection.peer);
      known.set(connection, trusted);
    }
    return trusted;
  };
}
