/** Something that the person at the terminal can understand and act on. Exit code 1, or 2 for wrong usage. */
export class CliError extends Error {
  readonly exitCode: 1 | 2
  /** What to do next, or null. */
  readonly hint: string | null
  /** The API's error code, where the API said no. */
  readonly code: number | null

  constructor(message: string, detail: { hint?: string; exitCode?: 1 | 2; code?: number } = {}) {
    super(message)
    this.name = 'CliError'
    this.exitCode = detail.exitCode ?? 1
    this.hint = detail.hint ?? null
    this.code = detail.code ?? null
  }
}

/** @param message what was wrong with the words on the command line */
export function usageError(message: string): CliError {
  return new CliError(message, { exitCode: 2 })
}

/** What is wrong is on stdout already; only the exit code is left to give. */
export class AlreadySaid extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('already said')
    this.exitCode = exitCode
  }
}
