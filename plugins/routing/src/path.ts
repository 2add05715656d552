const PERCENT = /%[0-9a-f]{2}/gi;
const UNRESERVED = /[A-Za-z0-9._~-]/;
// A doubled slash, a backslash, an escape, or a dot segment. Servlet containers read `..;x` as `..` too.
const CARE = /%|\\|\/\/|\/\.\.?(?:[/;]|$)/;

/** Whether a path has nothing in it that anybody would normalise away. One pass, no allocation. */
export function isPlain(path: string): boolean {
  return !CARE.test(path);
}

/**
 * The path with what is equivalent written one way (RFC 3986 §6.2.2.1 and §6.2.2.2): unreserved characters unescaped,
 * hexadecimal digits in capitals, and characters that may not stand in a path escaped. Dot segments stay as they are.
 */
export function canonicalPath(path: string): string {
  return path
    .replace(/[^\x21-\x7e]+/gu, (characters) => encodeURIComponent(characters))
    .replace(PERCENT, (octet) => {
      const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
      return UNRESERVED.test(character) ? character : octet.toUpperCase();
    });
}

/**
 * What the servers behind us may make of a canonical path: dot segments are resolved by all (RFC 3986 §5.2.4); some
 * unescape slashes first, some read a backslash as a slash, some merge slashes that follow each other (nginx's
 * `merge_slashes`), in every combination.
 */
export function normalisations(path: string): string[] {
  const results = new Set<string>();
  for (let reading = 0; reading < 16; reading++) {
    let read = path;
    if (reading & 1) read = read.replaceAll('%2F', '/');
    if (reading & 2) read = read.replaceAll('%5C', '\\');
    if (reading & 4) read = read.replaceAll('\\', '/');
    if (reading & 8) read = read.replace(/\/{2,}/g, '/');
    results.add(withoutDotSegments(read));
  }
  return [...results];
}

function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  segments.forEach((segment, index) => {
    const name = segment.replace(/;.*$/s, '');
    const last = index === segments.length - 1;
    if (name === '..') {
      // The first element is the nothing before the leading slash; `..` never climbs above it.
      if (kept.length > 1) kept.pop();
    } else if (name !== '.') {
      kept.push(segment);
      return;
    }
    if (last) kept.push('');
  });
  return kept.join('/');
}
