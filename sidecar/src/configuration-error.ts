/** A configuration that is not valid: exit code 78. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** Each in one line. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
