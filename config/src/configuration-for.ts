import { type Document, documentOf } from './document.ts';
import type { Environment } from './environment.ts';
import { type Entry, looseScalar, type MapNode, type Node, type Position } from './node.ts';

/**
 * The document of `outrigger run --listen ADDR --to ADDR[,ADDR…]`: one HTTP listener `inbound` in front of one cluster
 * `app`. Problems with it have the flag where others have the file.
 */
export function configurationFor(
  { listen, to }: { readonly listen: string; readonly to: string },
  env: Environment,
  overrides: readonly string[] = [],
): Document {
  let column = 1;
  const addresses = to.split(',').map((address) => {
    const node = looseScalar(address.trim(), { file: '--to', line: 1, column });
    column += address.length + 1;
    return node;
  });
  const listenAt: Position = { file: '--listen', line: 1, column: 1 };
  const toAt: Position = { file: '--to', line: 1, column: 1 };
  const word = (text: string) => looseScalar(text, listenAt);
  const inbound = map(listenAt, { protocol: word('http'), bind: word(listen), cluster: word('app') });
  const app = map(toAt, { endpoints: { kind: 'list', position: toAt, items: addresses } });
  const root = map(listenAt, { listeners: map(listenAt, { inbound }), clusters: map(toAt, { app }) });
  return documentOf(root, { file: '--listen', env, overrides, problems: [] });
}

function map(position: Position, nodes: Readonly<Record<string, Node>>): MapNode {
  const entries = Object.entries(nodes).map(([key, node]): [string, Entry] => [key, { position, node }]);
  return { kind: 'map', position, entries: new Map(entries) };
}
