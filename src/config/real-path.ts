/** Where paths really lead, so that a link cannot make one place look like another. */
import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'

/** Also of a path whose last parts do not exist yet. @param path absolute */
export function realPath(path: string): string {
  if (existsSync(path) || dirname(path) === path) return realpathSync(path)
  return join(realPath(dirname(path)), basename(path))
}

/** Whether one of two absolute paths lies in the other, or they are one. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [realPath(one), realPath(other)]
  return a === b || isAbove(a, b) || isAbove(b, a)
}

function isAbove(above: string, below: string): boolean {
  return dirname(above) === above || below.startsWith(`${above}${sep}`)
}
