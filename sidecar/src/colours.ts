/** Wraps a text in a colour, or leaves it. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan', text: string) => string;

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  cyan: [36, 39],
} as const;

/**
 * Whether a stream gets colours: only a terminal does, and not with NO_COLOR (no-color.org: any value that is not empty). Any
 * FORCE_COLOR but 0 and false wants them everywhere, and wins, as in Node.
 */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

export function painter(colours: boolean): Paint {
  return (style, text) => {
    const [on, off] = CODES[style];
    return colours ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  };
}
