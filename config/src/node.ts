/** Where something stands. Line and column count from 1; for a flag, `line` is its number among the `--set`s. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A parsed value that knows where it came from. Immutable; an anchor's node may stand in several places. */
export type Node = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly position: Position;
  readonly value: string | number | boolean | null;
  /** As it was written, quotes and escapes resolved. */
  readonly text: string;
  /** It may be read as text though it looks like a number: it came out of `${NAME}`, of a flag or of a variable. */
  readonly loose: boolean;
  /** Names of the environment variables that were put into it. */
  readonly variables?: readonly string[];
}

export interface ListNode {
  readonly kind: 'list';
  readonly position: Position;
  readonly items: readonly Node[];
}

export interface MapNode {
  readonly kind: 'map';
  readonly position: Position;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Position of the key. */
  readonly position: Position;
  readonly node: Node;
}

export function emptyMap(position: Position): MapNode {
  return { kind: 'map', position, entries: new Map() };
}

/** The plain value, frozen. Keys such as `__proto__` become ordinary properties. */
export function toPlain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return Object.freeze(node.items.map(toPlain));
  return Object.freeze(Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)])));
}

/** A scalar as YAML's core schema reads it without quotes (YAML 1.2.2 §10.3.2): true, 1.5, or text. */
export function looseScalar(text: string, position: Position, variables?: readonly string[]): ScalarNode {
  return { kind: 'scalar', position, text, value: plainValue(text), loose: true, ...(variables && { variables }) };
}

function plainValue(text: string): string | number | boolean | null {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^(?:null|Null|NULL|~)$/.test(text)) return null;
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  return text;
}
