/**
 * The operator's log: one line a request, at the door, and what the rooms have to say about their own lifetimes.
 * It may be lost; what may not be lost is the audit's. No token, argument, result or query string is ever given to it, and
 * what servers and clients call themselves cannot drive the terminal on which it is read.
 */
import { type Logger, pino } from 'pino'
import { visibleLine } from './visible.ts'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'isLevelEnabled'> & {
  child(bindings: Record<string, unknown>): Log
}

export type LogLevelName = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'

/** JSON lines on stderr (stdout belongs to the CLI's answers). */
export function openLog(level: LogLevelName): Log {
  return pino(
    { level, base: null, redact: { paths: ['*.authorization', '*.token', '*.secret'], censor: '[redacted]' } },
    sanitized(pino.destination({ dest: 2, sync: false })),
  )
}

/** JSON escapes what is below a space; a terminal obeys more than that. */
export function sanitized(lines: { write(line: string): unknown }): { write(line: string): void } {
  return { write: (line) => void lines.write(visibleLine(line)) }
}

/** For rooms under test. */
export const silentLog: Log = pino({ level: 'silent' })
