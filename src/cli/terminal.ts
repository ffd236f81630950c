/** The one place where the command line writes: answers on stdout, everything else on stderr, all of it made visible. */
import { visible, visibleJson } from '../base/visible.ts'

export interface Sink {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
}

export interface Terminal {
  readonly json: boolean
  /** Whether a person is reading stdout. */
  readonly isInteractive: boolean
  /** One line of an answer. */
  print(line: string): void
  /** One line beside the answer. */
  note(line: string): void
  /** The value with `--json`, else what `human` prints. */
  answer(value: unknown, human: () => void): void
  /** One compact line of JSON, for streams. */
  printJson(value: unknown): void
  /** Columns as wide as they need; with no rows, the line `empty`. */
  table(headings: readonly string[], rows: readonly (readonly string[])[], empty: string): void
  /** Shows what is being waited for, on a terminal only, until the promise settles. */
  during<T>(what: string, work: Promise<T>): Promise<T>
}

export function openTerminal(stdout: Sink, stderr: Sink, json: boolean): Terminal {
  const print = (line: string): void => void stdout.write(`${visible(line)}\n`)
  return {
    json,
    isInteractive: stdout.isTTY === true && !json,
    print,
    note: (line) => void stderr.write(`${visible(line)}\n`),
    answer(value, human) {
      if (json) stdout.write(`${visibleJson(value, 2)}\n`)
      else human()
    },
    printJson: (value) => void stdout.write(`${visibleJson(value)}\n`),
    table(headings, rows, empty) {
      if (rows.length === 0) return print(empty)
      const shown = [headings, ...rows].map((row) => row.map(visible))
      const widths = headings.map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)))
      for (const row of shown)
        print(
          row
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join('  ')
            .trimEnd(),
        )
    },
    async during(what, work) {
      if (stderr.isTTY !== true || json) return work
      stderr.write(visible(what))
      try {
        return await work
      } finally {
        // Back to the start of the line and clear it.
        stderr.write('\r\u001b[K')
      }
    },
  }
}
