import { useEffect, useState } from 'preact/hooks';
import { type Address, hashOf, parseHash } from './address.ts';

/** Where somebody is, now and whenever they go elsewhere. */
export function useAddress(): Address {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const moved = () => set(location.hash);
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return parseHash(hash);
}

/** Writes a filter into the address, so that it can be sent to somebody; it is no step that the back button would undo. */
export function setQuery(view: string, address: Address, name: string, value: string): void {
  const query = { ...Object.fromEntries(address.query), [name]: value };
  history.replaceState(null, '', hashOf(view, address.id, query));
  dispatchEvent(new HashChangeEvent('hashchange'));
}
