import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { type Entry, emptyMap, type ListNode, type MapNode, type Node, type Position, toPlain } from './node.ts';
import type { Origin } from './origin.ts';
import { applyOverrides } from './override.ts';
import { parse } from './parse.ts';
import { type PluginEntry, readPlugins } from './plugin-entry.ts';
import type { Problem } from './problem.ts';
import { describeNode, Reader } from './reader.ts';
import { whyUnreadable } from './unreadable.ts';

/** A configuration that was parsed and not yet validated: that takes its plugins, and this names them. */
export interface Document {
  /** As positions name it. */
  readonly file: string;
  /** What relative paths are relative to. */
  readonly directory: string;
  readonly root: MapNode;
  /** The list `plugins:`, in order, each in its long form; what could not be read of it is missing here. */
  readonly plugins: readonly PluginEntry[];
  /** Where what they say came from: their settings are not meant. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly env: Environment;
  /** What is wrong already; {@link validate} reports it with the rest. */
  readonly problems: readonly Problem[];
  /** It was no YAML at all: there is nothing to validate. */
  readonly unreadable: boolean;
}

/** A file's path, or a text with the name that positions give it (relative paths are relative to that name's directory). */
export type Source = string | { readonly text: string; readonly name: string };

/**
 * Reads YAML, or JSON, puts in the variables of `env` and applies `overrides` (`PATH=VALUE`, as `--set` takes them). It never
 * throws: what is wrong is in `problems`, a file that cannot be read included.
 */
export function readDocument(source: Source, env: Environment, overrides: readonly string[] = []): Document {
  const file = typeof source === 'string' ? source : source.name;
  const problems: Problem[] = [];
  let root: Node | undefined;
  try {
    const text = typeof source === 'string' ? readFileSync(source, 'utf8') : source.text;
    root = parse(text, file, env, problems);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    problems.push({ ...start(file), path: '', message: `cannot be read: ${whyUnreadable(error)}` });
  }
  return documentOf(root, { file, env, overrides, problems });
}

/** A document of nodes made elsewhere. `root` is undefined where there was nothing to read them from. */
export function documentOf(
  root: Node | undefined,
  options: { file: string; env: Environment; overrides: readonly string[]; problems: Problem[] },
): Document {
  const { file, env, overrides, problems } = options;
  const directory = dirname(resolve(file));
  const unreadable = root === undefined;
  let tree = root ?? emptyMap(start(file));
  if (tree.kind === 'scalar' && tree.value === null) tree = emptyMap(tree.position);
  if (!unreadable) tree = applyOverrides(tree, overrides, problems);
  const origins = new Map<string, Origin>();
  if (tree.kind !== 'map') {
    problems.push({
      ...tree.position,
      path: '',
      message: `is ${describeNode(tree)}`,
      expected: 'a map with listeners and clusters',
    });
    return { file, directory, root: emptyMap(tree.position), plugins: [], origins, env, problems, unreadable: true };
  }
  const reader = new Reader({ env, directory, origins }, problems);
  const plugins = readPlugins(tree.entries.get('plugins')?.node, reader, directory);
  return { file, directory, root: tree, plugins, origins, env, problems, unreadable };
}

/** The document as plain data: variables and overrides applied, nothing validated, no defaults. It may hold secrets. */
export function plainDocument(document: Document): unknown {
  return toPlain(document.root);
}

export function start(file: string): Position {
  return { file, line: 1, column: 1 };
}

/** What stands under a key of a map; undefined where `node` is no map or has no such key. */
export function entryAt(node: Node | undefined, key: string): Entry | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined;
}

export function itemsOf(node: Node | undefined): ListNode['items'] {
  return node?.kind === 'list' ? node.items : [];
}

/** Where stands what these keys lead to, or as much of it as there is. */
export function positionAt(node: Node, keys: readonly string[]): Position {
  const [key, ...rest] = keys;
  const entry = key === undefined ? undefined : entryAt(node, key);
  return entry === undefined ? node.position : positionAt(entry.node, rest);
}
