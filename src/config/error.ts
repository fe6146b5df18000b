/** What is wrong with a configuration: apart from its reader, so that whoever only reports it needs no reader. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  /** The file that was named is not there. */
  readonly isMissing: boolean;
  constructor(problems: readonly string[], isMissing = false) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.isMissing = isMissing;
  }
}
