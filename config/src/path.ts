/** `listeners` and `edge` → `listeners.edge`; a name that is not a plain word is quoted: `clusters."a.b"`. */
export function joinKey(path: string, key: string): string {
  const word = /^[\w/-][\w/@-]*$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? word : `${path}.${word}`;
}

export function joinIndex(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** `clusters."a.b".endpoints[0]` → its steps. Throws an Error that says what is wrong with the path. */
export function parsePath(text: string): (string | number)[] {
  const step = /\[(\d+)\]|(\.?)(?:"((?:[^"\\]|\\.)*)"|([^.[\]"]+))/y;
  const steps: (string | number)[] = [];
  while (step.lastIndex < text.length) {
    const at = step.lastIndex;
    const match = step.exec(text);
    if (!match) throw new Error(`"${text}" is not a path: cannot read it from "${text.slice(at)}" on`);
    const [, index, dot, quoted, word] = match;
    if (index === undefined && (dot === '.') !== at > 0)
      throw new Error(`"${text}" is not a path: misplaced dot at "${text.slice(at)}"`);
    steps.push(
      index !== undefined ? Number(index) : quoted !== undefined ? (JSON.parse(`"${quoted}"`) as string) : word!,
    );
  }
  if (steps.length === 0) throw new Error('the path is empty');
  return steps;
}
