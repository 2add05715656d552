import type { Position } from './node.ts';

/** One thing that is wrong with a configuration. */
export interface Problem extends Position {
  /** Where in the configuration: `listeners.edge.routes[0].match.host`. Empty for the whole. */
  readonly path: string;
  /** What is wrong, without a full stop. */
  readonly message: string;
  /** What belongs there: `a duration such as 25s`. */
  readonly expected?: string | undefined;
  /** What was probably meant. */
  readonly suggestion?: string | undefined;
}

/** `FILE:LINE:COLUMN path: what is wrong, expected …, did you mean "x"?` */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, expected, suggestion } = problem;
  const where = `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`;
  const remedy = expected === undefined ? '' : `, expected ${expected}`;
  const meant = suggestion === undefined ? '' : `, did you mean "${suggestion}"?`;
  return `${where}: ${message}${remedy}${meant}`;
}

/** Problems in the order in which they stand in their files, each once. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const sorted = [...problems].sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.path, b.path),
  );
  const seen = new Set<string>();
  return sorted.filter((problem) => {
    const text = formatProblem(problem);
    return !seen.has(text) && seen.add(text);
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
