// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
  type Node as YamlNode,
} from 'yaml';
import { type Environment, substitute } from './environment.ts';
import { type Entry, emptyMap, looseScalar, type MapNode, type Node, type Position, type ScalarNode } from './node.ts';
import { joinIndex, joinKey } from './path.ts';
import type { Problem } from './problem.ts';

/**
 * YAML 1.2, and so JSON, to nodes with positions; variables are substituted in scalars that are not keys. What is wrong goes
 * to `problems`; undefined where the text is no YAML, so that what follows from it is not reported too.
 */
export function parse(text: string, file: string, env: Environment, problems: Problem[]): Node | undefined {
  const lines = new LineCounter();
  // Keys given twice are ours to find: yaml does not say where the first one stands.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const seen = new Set<number>();
  for (const [index, fault] of [...document.errors, ...document.warnings].entries()) {
    // Of several at one place the first says it; what follows a first one is unexpected because of it, to the end of the file.
    if (seen.has(fault.pos[0]) || (index > 0 && fault.code === 'UNEXPECTED_TOKEN')) continue;
    seen.add(fault.pos[0]);
    const position = at(fault.pos[0]);
    const message = messageOf(fault);
    // `{ bind: ${ADDRESS} }`: braces cannot stand in a plain scalar there, and yaml's message does not say so.
    const unquoted = (text.split('\n')[position.line - 1] ?? '').includes('${');
    problems.push({
      ...position,
      path: '',
      message,
      expected: unquoted ? '${NAME} in quotes within { } and [ ]' : undefined,
    });
  }
  if (document.errors.length > 0) return undefined;
  if (document.contents === null) return emptyMap(at(0));

  const done = new Map<YamlNode, Node>();
  const within = new Set<YamlNode>();

  const convert = (node: YamlNode, path: string): Node => {
    if (isAlias(node)) {
      const source = node.resolve(document);
      if (source === undefined || within.has(source)) {
        const position = at(node.range?.[0] ?? 0);
        const message =
          source === undefined
            ? 'an alias (*) has no anchor (&); a text that begins with * needs quotes'
            : 'an alias (*) contains itself';
        problems.push({ ...position, path, message });
        return emptyMap(position);
      }
      return done.get(source) ?? convert(source, path);
    }
    within.add(node);
    const converted = convertNode(node, path);
    within.delete(node);
    done.set(node, converted);
    return converted;
  };

  const convertNode = (node: YamlNode, path: string): Node => {
    const position = at(node.range?.[0] ?? 0);
    if (isScalar(node)) return scalar(node, position, path);
    if (isMap(node)) return map(node, position, path);
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        item === null ? looseScalar('~', position) : convert(item as YamlNode, joinIndex(path, index)),
      );
      return { kind: 'list', position, items };
    }
    throw new TypeError('a YAML node is a scalar, a map, a sequence or an alias');
  };

  const map = (node: YAMLMap, position: Position, path: string): MapNode => {
    const entries = new Map<string, Entry>();
    for (const pair of node.items) {
      const key = pair.key as YamlNode | null;
      const keyPosition = key?.range ? at(key.range[0]) : position;
      if (!isScalar(key) || key.value === null) {
        problems.push({ ...keyPosition, path, message: 'a key is not text', expected: 'a name' });
        continue;
      }
      if (key.value === '<<') {
        const message = 'merge keys (<<) are not part of YAML 1.2';
        problems.push({
          ...keyPosition,
          path,
          message,
          expected: 'the keys themselves, or an alias for a whole value',
        });
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      const earlier = entries.get(name);
      if (earlier) {
        const message = `is given twice, first on line ${earlier.position.line}`;
        problems.push({ ...keyPosition, path: joinKey(path, name), message });
        continue;
      }
      const value = pair.value as YamlNode | null;
      entries.set(name, {
        position: keyPosition,
        node: value === null ? looseScalar('~', keyPosition) : convert(value, joinKey(path, name)),
      });
    }
    return { kind: 'map', position, entries };
  };

  const scalar = (node: Scalar, position: Position, path: string): ScalarNode => {
    const plain = node.type === 'PLAIN';
    const written = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    if (!written.includes('${')) {
      return { kind: 'scalar', position, value: node.value as ScalarNode['value'], text: written, loose: false };
    }
    const variables: string[] = [];
    const text = substitute(
      written,
      env,
      (name) => variables.push(name),
      (message, expected) => problems.push({ ...position, path, message, expected }),
    );
    return plain
      ? looseScalar(text, position, variables)
      : { kind: 'scalar', position, value: text, text, loose: true, variables };
  };

  return convert(document.contents as YamlNode, '');
}

/** What yaml says, without the text of the file, which may be a secret. */
function messageOf({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here (---), and a configuration is one';
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag (!) is not known; a text that begins with ! needs quotes';
  const [first = ''] = message.split('\n');
  return first.replace(/((?:stream|characters|directive|token)): .*$/i, '$1').replace(/\.?\s*$/, '');
}
