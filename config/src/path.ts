export { joinIndex, joinKey } from '@outrigger/core';

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
