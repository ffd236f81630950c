/** Where the program is that tests start as a process of its own: in few files (`scripts/test-program.ts`), or as a clone starts it. */
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const HOME = process.env.PORTICO_TEST_PROGRAM

/** As a clone starts it. */
export const BIN = join(ROOT, 'bin', 'portico.js')
/** The same in few files, where they could be made. */
export const PROGRAM = HOME === undefined ? BIN : join(HOME, 'main.js')
/** Other programs of the tests in the same way. */
export const WRITER = inFew('audit-writer', 'audit-writer.ts')
export const MIGRATION = inFew('killed-migration', 'killed-migration.ts')
export const PROVIDER = inFew('identity-provider', 'support/provider/program.ts')

function inFew(name: string, source: string): string {
  return HOME === undefined ? join(import.meta.dirname, source) : join(HOME, `${name}.js`)
}
