/**
 * Descriptors that whoever started the portal left open in it: a lock, a log, the end of a pipe. The portal has no use for
 * them, and every server process would inherit them in its turn.
 */
import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs'

/** On Linux, `flags` in /proc is octal. */
const CLOSED_ON_EXEC = 0o2000000

/** Call it before anything is opened. All that Node opens by itself is marked to be closed in children; these are the rest. */
export function closeInherited(): void {
  const folder = '/proc/self/fdinfo'
  // macOS closes them when a child is started.
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const fd = Number(name)
    if (fd > 2 && isInherited(`${folder}/${name}`)) closeSync(fd)
  }
}

function isInherited(path: string): boolean {
  // The listing had a descriptor of its own, which is gone by now.
  if (!existsSync(path)) return false
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(path, 'utf8'))?.[1]
  return flags !== undefined && (Number.parseInt(flags, 8) & CLOSED_ON_EXEC) === 0
}
