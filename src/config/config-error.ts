/** What is wrong with the settings, said to the operator: where, what, and what to do. Never holds a secret's value. */
export class ConfigError extends Error {
  /** One line each. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}
