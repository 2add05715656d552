import { parseDocument } from 'yaml';
import { type Entry, emptyMap, looseScalar, type MapNode, type Node, type Position } from './node.ts';
import { parse } from './parse.ts';
import { parsePath } from './path.ts';
import type { Problem } from './problem.ts';

/** What stands for the file in positions of `--set` flags. */
export const FLAG = '--set';

/** Applies `PATH=VALUE` overrides in order. Missing maps on the way are made; a list takes its indexes and the one after. */
export function applyOverrides(root: Node, overrides: readonly string[], problems: Problem[]): Node {
  return overrides.reduce((tree, override, index) => {
    // The first `=` that is not within a quoted name.
    const [, path = '', value] = /^((?:[^="]|"(?:[^"\\]|\\.)*")*)=(.*)$/s.exec(override) ?? [];
    const position: Position = { file: FLAG, line: index + 1, column: path.length + 2 };
    const wrong = (message: string) => {
      problems.push({ ...position, column: 1, path: '', message, expected: '--set PATH=VALUE' });
      return tree;
    };
    if (value === undefined) return wrong(`"${override}" has no value`);
    try {
      return replaceAt(tree, parsePath(path), readValue(value, position));
    } catch (error) {
      return wrong((error as Error).message);
    }
  }, root);
}

/** A scalar as YAML writes it; a list or a map in flow style is taken too, where it is one (`[::1]:80` is text). */
function readValue(text: string, position: Position): Node {
  if (!/^["'[{]/.test(text) || parseDocument(text).errors.length > 0) return looseScalar(text, position);
  const problems: Problem[] = [];
  const node = parse(text, FLAG, {}, problems);
  return node === undefined || problems.length > 0 ? looseScalar(text, position) : relocate(node, position);
}

function relocate(node: Node, position: Position): Node {
  if (node.kind === 'scalar') return { ...node, position };
  if (node.kind === 'list') return { ...node, position, items: node.items.map((item) => relocate(item, position)) };
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { position, node: relocate(entry.node, position) }] as const,
  );
  return { ...node, position, entries: new Map(entries) };
}

function replaceAt(node: Node | undefined, steps: readonly (string | number)[], value: Node): Node {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    if (node?.kind !== 'list') throw new Error(`there is no list to take [${step}] of`);
    if (step > node.items.length) throw new Error(`the list has ${node.items.length} items, there is no [${step}]`);
    const items = [...node.items];
    items[step] = replaceAt(items[step], rest, value);
    return { ...node, items };
  }
  const map = mapOf(node, value.position, step);
  const entries = new Map<string, Entry>(map.entries);
  const earlier = entries.get(step);
  entries.set(step, { position: value.position, node: replaceAt(earlier?.node, rest, value) });
  return { ...map, entries };
}

function mapOf(node: Node | undefined, position: Position, step: string): MapNode {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return emptyMap(position);
  if (node.kind !== 'map') throw new Error(`there is no map to put "${step}" into`);
  return node;
}
