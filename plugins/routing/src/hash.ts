// FNV-1a (Fowler, Noll, Vo; RFC 9923) over character codes: cheap to continue by one character, so that one pass over a
// text yields the hash of every prefix. The texts of the configuration are its keys: a request cannot make collisions.
export const HASH_START = 0x811c9dc5 | 0;

export function hashOn(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** Hash of a whole text, forwards, or backwards for the suffixes of a host. */
export function hashOf(text: string, direction: 'forwards' | 'backwards'): number {
  let hash = HASH_START;
  for (let i = 0; i < text.length; i++)
    hash = hashOn(hash, text.charCodeAt(direction === 'forwards' ? i : text.length - 1 - i));
  return hash;
}
