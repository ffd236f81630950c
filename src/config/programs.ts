/**
 * Which file a command is: an absolute path, or a name looked up in `PATH`, without a shell. Directories are followed
 * to where they really are; the last link is not, because many a program decides by the name it was called by what it
 * is (busybox, a Python of its own environment), and whoever allows one of its names has not allowed the others.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path'

/**
 * @param command an absolute path, or a name without a separator
 * @param path the `PATH` in which names are looked up; its relative parts count for nothing
 * @returns the absolute path of a program that may be executed, or null
 */
export function findProgram(command: string, path: string): string | null {
  if (isAbsolute(command)) return programAt(command)
  if (command === '' || /[\\/]/.test(command)) return null
  for (const folder of path.split(delimiter)) {
    const found = isAbsolute(folder) ? programAt(join(folder, command)) : null
    if (found !== null) return found
  }
  return null
}

function programAt(path: string): string | null {
  const candidates = process.platform === 'win32' ? [path, `${path}.exe`] : [path]
  return candidates.map(executable).find((found) => found !== null) ?? null
}

function executable(path: string): string | null {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile() ? join(realpathSync(dirname(path)), basename(path)) : null
  } catch {
    // Not there, or not for us: the next folder of PATH may have it.
    return null
  }
}
