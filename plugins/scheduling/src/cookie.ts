import type { Headers } from '@outrigger/core';

/** The value of the first cookie called `name` (RFC 6265 §4.2.1); undefined where there is none. */
export function cookieOf(headers: Headers, name: string): string | undefined {
  const cookies = headers.get('cookie');
  if (cookies === undefined) return undefined;
  for (let from = 0; from < cookies.length; ) {
    let end = cookies.indexOf(';', from);
    if (end === -1) end = cookies.length;
    while (cookies[from] === ' ') from++;
    if (cookies.startsWith(name, from) && cookies[from + name.length] === '=')
      return cookies.slice(from + name.length + 1, end).trim();
    from = end + 1;
  }
  return undefined;
}
