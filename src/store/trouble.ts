/** What went wrong in the database, as far as a caller can do something about it. */

/** SQLite's primary result codes that speak of the file or the disk: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB. */
const SQLITE_TROUBLE: readonly number[] = [5, 6, 8, 10, 11, 13, 14, 26]

/** SQLSTATE classes: connection, insufficient resources, operator intervention, system error; and a database that is gone. */
const POSTGRES_TROUBLE = /^(?:08|53|57|58)|^3D000$/

const NETWORK_TROUBLE: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
]

/** Someone else took the id first: between the look and the write, on another connection. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, errcode } = codesOf(error)
  // PostgreSQL's SQLSTATE; SQLite's SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE.
  return code === '23505' || errcode === 1555 || errcode === 2067
}

/** The database itself cannot be used now. Not a bug, and a retry may help. */
export function isDatabaseDown(error: unknown): boolean {
  const { code, errcode } = codesOf(error)
  if (typeof errcode === 'number') return SQLITE_TROUBLE.includes(errcode & 0xff)
  if (typeof code === 'string' && (POSTGRES_TROUBLE.test(code) || NETWORK_TROUBLE.includes(code))) return true
  // pg gives these no code.
  return (
    error instanceof Error && /^(?:Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
  )
}

function codesOf(error: unknown): { code?: unknown; errcode?: unknown } {
  return error instanceof Error ? (error as { code?: unknown; errcode?: unknown }) : {}
}
