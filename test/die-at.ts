/**
 * Loaded into a program by `--import`: kills it, as a power cut would, when its main thread changes a file or a database on disk for
 * the `DIE_AT`th time. A program that came to its end without that leaves a file `DONE` in its working directory.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { isMainThread } from 'node:worker_threads'

let left = Number(process.env.DIE_AT)
const inMemory = new WeakSet<object>()

type Functions = Record<string, (...given: unknown[]) => unknown>

function count(owner: unknown, name: string): void {
  const functions = owner as Functions
  const real = functions[name]
  functions[name] = function (this: object, ...given: unknown[]) {
    if (!inMemory.has(this ?? fs) && --left === 0) process.kill(process.pid, 'SIGKILL')
    return real?.apply(this, given)
  }
}

if (isMainThread) {
  for (const name of ['renameSync', 'linkSync', 'unlinkSync', 'writeSync', 'fsyncSync']) count(fs, name)
  syncBuiltinESMExports()
  const { prepare } = DatabaseSync.prototype
  DatabaseSync.prototype.prepare = function (sql, ...rest) {
    const statement = prepare.call(this, sql, ...rest)
    if (this.location() === null) inMemory.add(statement)
    return statement
  }
  count(DatabaseSync.prototype, 'exec')
  count(StatementSync.prototype, 'run')
  process.on('exit', (code) => {
    if (code === 0) fs.writeFileSync('DONE', String(Number(process.env.DIE_AT) - left))
  })
}
