import type { Position } from './node.ts';

/** Where a value came from: a file's line, an environment variable, a flag, or nowhere, so that its default counts. */
export type Origin =
  | { readonly from: 'file'; readonly position: Position; readonly variables: readonly string[] }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'flag'; readonly flag: string }
  | { readonly from: 'default' };

export const BY_DEFAULT: Origin = Object.freeze({ from: 'default' });

/** By the names that stand for the file in positions: `$NAME`, `--set`. */
export function originOf(position: Position, variables: readonly string[] = []): Origin {
  const { file } = position;
  if (file.startsWith('$')) return { from: 'environment', variable: file.slice(1) };
  if (file.startsWith('--')) return { from: 'flag', flag: file };
  return { from: 'file', position, variables };
}

/** `outrigger.yaml:4:11`, with `($PORT)` behind it where a variable was put in; `$NAME`; `--set`; `default`. */
export function describeOrigin(origin: Origin): string {
  if (origin.from === 'default') return 'default';
  if (origin.from === 'flag') return origin.flag;
  if (origin.from === 'environment') return `$${origin.variable}`;
  const { file, line, column } = origin.position;
  const variables = origin.variables.map((name) => `$${name}`).join(', ');
  return `${file}:${line}:${column}${variables === '' ? '' : ` (${variables})`}`;
}
