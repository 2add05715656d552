import { resolve } from 'node:path';
import type { Schema } from '@outrigger/core';
import type { MapNode, Node, Position } from './node.ts';
import { joinIndex, joinKey } from './path.ts';
import { describeNode, type Reader } from './reader.ts';

/** An entry of `plugins:` before its plugin is loaded: in its long form, settings not validated. */
export interface PluginEntry {
  /** Name of a built-in plugin or of a package, or an absolute path. */
  readonly use: string;
  /** Whether `use` is a path. */
  readonly isPath: boolean;
  readonly onError: 'open' | 'closed';
  /** Milliseconds. */
  readonly timeout: number;
  /** What may be shown of `onError`, `timeout` and `listeners`: as files write it. */
  readonly shown: Readonly<Record<string, unknown>>;
  readonly listeners?: readonly string[] | undefined;
  readonly listenerPositions: readonly Position[];
  /** Undefined where the entry has none. */
  readonly settings: Node | undefined;
  /** Position of the entry, and its path and that of its settings, for problems. */
  readonly position: Position;
  readonly path: string;
  readonly settingsPath: string;
}

/** The long form of an entry. */
export const pluginEntrySchema: Schema = {
  use: { doc: 'Name of a built-in plugin or of a package, or the path of a file.', format: String },
  settings: { doc: "The plugin's own settings.", format: 'any', optional: true },
  onError: {
    doc: 'What becomes of a session in which a hook fails: closed ends it, open goes on.',
    format: ['closed', 'open'],
    default: 'closed',
  },
  timeout: { doc: 'Time within which an asynchronous hook must settle.', format: 'duration', default: '10s' },
  listeners: {
    doc: 'Listeners whose sessions the hooks see; all where it is missing.',
    format: { list: String },
    optional: true,
  },
};

const EXPECTED = 'a name, a name with settings, or { use, settings, onError, listeners, timeout }';

export function readPlugins(node: Node | undefined, reader: Reader, directory: string): PluginEntry[] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  if (node.kind !== 'list') {
    reader.problem(node.position, 'plugins', `is ${describeNode(node)}`, { expected: 'a list' });
    return [];
  }
  return node.items
    .map((item, index) => readEntry(item, joinIndex('plugins', index), reader, directory))
    .filter((entry) => entry !== undefined);
}

function readEntry(node: Node, path: string, reader: Reader, directory: string): PluginEntry | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string')
    return entryOf({ node, use: node.value, settings: undefined, path, settingsPath: path }, reader, directory);
  if (node.kind !== 'map')
    return reader.problem(node.position, path, `is ${describeNode(node)}`, { expected: EXPECTED });
  const use = node.entries.get('use')?.node;
  if (use) {
    const name = use.kind === 'scalar' && typeof use.value === 'string' ? use.value : undefined;
    const settings = node.entries.get('settings')?.node;
    return entryOf(
      { node, form: node, use: name, settings, path, settingsPath: joinKey(path, 'settings') },
      reader,
      directory,
    );
  }
  const [only, ...others] = node.entries;
  if (!only || others.length > 0)
    return reader.problem(node.position, path, `is a map with ${node.entries.size} keys and no "use"`, {
      expected: EXPECTED,
    });
  const [name, { node: settings }] = only;
  return entryOf({ node, use: name, settings, path, settingsPath: joinKey(path, name) }, reader, directory);
}

interface Found {
  readonly node: Node;
  /** The node, where it is in its long form; in the others everything but `use` has its default. */
  readonly form?: MapNode;
  /** Undefined where it is no text. */
  readonly use: string | undefined;
  readonly settings: Node | undefined;
  readonly path: string;
  readonly settingsPath: string;
}

function entryOf(found: Found, reader: Reader, directory: string): PluginEntry | undefined {
  const { node, form, use, settings, path, settingsPath } = found;
  const { use: useSetting, ...rest } = pluginEntrySchema;
  const schema = form ? { use: useSetting!, ...rest } : rest;
  const { value, shown } = reader.element(form, schema, path, node.position);
  const { onError, timeout, listeners } = value;
  if (use === undefined) return undefined;
  const isPath = /^\.{0,2}\//.test(use);
  const listed = form?.entries.get('listeners')?.node;
  return {
    use: isPath ? resolve(directory, use) : use,
    isPath,
    onError: onError === 'open' ? 'open' : 'closed',
    timeout: timeout as number,
    listeners: listeners as readonly string[] | undefined,
    shown,
    listenerPositions: listed?.kind === 'list' ? listed.items.map((item) => item.position) : [],
    settings,
    position: node.position,
    path,
    settingsPath,
  };
}
