/** A problem of a configuration, apart. */
export interface ProblemLine {
  /** `FILE:LINE:COLUMN`; undefined where it has no place. */
  readonly origin?: string;
  /** Of the value that is wrong. */
  readonly path?: string;
  readonly message: string;
}

/** Takes a line apart that tells a problem: `FILE:LINE:COLUMN path: what is wrong`. */
export function parseProblem(line: string): ProblemLine {
  const found = /^(.*?:\d+:\d+)(?: ((?:"(?:[^"\\]|\\.)*"|[^\s:"])+))?: (.*)$/s.exec(line);
  if (found === null) return { message: line };
  const [, origin, path, message] = found as unknown as [string, string, string | undefined, string];
  return { origin, ...(path !== undefined && { path }), message };
}
