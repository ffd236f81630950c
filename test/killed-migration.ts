/**
 * Migrates as a start does and is killed in one migration: before one of its statements, or, where none is numbered so, after the last of
 * them. Its argument is a `KilledAt` as JSON.
 */
import { flushCompileCache } from 'node:module'
import { silentLog } from '../src/base/log.ts'
import { MIGRATIONS, migrate } from '../src/store/migrate.ts'
import { openStopped } from '../src/store/stopped.ts'

export interface KilledAt {
  /** Of the migration. */
  name: string
  /** Counted from 1. */
  statement: number
  dir: string
  databaseUrl: string | null
}

const { name, statement, dir, databaseUrl } = JSON.parse(process.argv[2] ?? '') as KilledAt
const asWritten = MIGRATIONS[name]
if (asWritten === undefined) throw new Error(`there is no migration ${name}`)
const die = () => {
  // A process that is killed leaves its compiled code to nobody; a hundred of these are started.
  flushCompileCache()
  process.kill(process.pid, 'SIGKILL')
}
let count = 0
const { db } = await openStopped({ dir, databaseUrl, log: silentLog })
await migrate(db, {
  ...MIGRATIONS,
  [name]: {
    async up(within) {
      const counted = within.withPlugin({
        transformQuery({ node }) {
          if (++count === statement) die()
          return node
        },
        transformResult: async ({ result }) => result,
      })
      await asWritten.up(counted)
      die()
    },
  },
})
