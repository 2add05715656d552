import { latin1 } from '@outrigger/core';
import { HOST } from './characters.ts';

const OPEN = 91;
const CLOSE = 93;
const COLON = 58;

/** The host of an authority (RFC 3986 §3.2) in lower case, without port and brackets; empty where it is not one (userinfo is refused). */
export function hostOf(b: Buffer, from: number, to: number): string {
  let end = from;
  if (b[from] === OPEN) {
    while (end < to && b[end] !== CLOSE) end++;
    if (end === to || end - from < 3) return '';
    const address = latin1(b, from + 1, end).toLowerCase();
    return /^[0-9a-f:.]+$/.test(address) && isPort(b, end + 1, to) ? address : '';
  }
  while (end < to && HOST[b[end]!] === 1) end++;
  if (end === from || !isPort(b, end, to)) return '';
  return latin1(b, from, end).toLowerCase();
}

/** Whether two authorities name the same; one that ends with `defaultPort`, or a bare colon, says no more than one without. */
export function sameAuthority(a: string, b: string, defaultPort: string): boolean {
  const plain = (authority: string) => authority.toLowerCase().replace(new RegExp(`:(${defaultPort})?$`), '');
  return plain(a) === plain(b);
}

/** Nothing, or `:` and up to five digits. */
function isPort(b: Buffer, from: number, to: number): boolean {
  if (from === to) return true;
  if (b[from] !== COLON || to - from > 6) return false;
  for (let i = from + 1; i < to; i++) if (b[i]! < 48 || b[i]! > 57) return false;
  return true;
}
