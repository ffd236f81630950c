/**
 * Whether a path lies in a directory, told from its text alone: true only of a path in the one form that every system reads
 * alike. Dots, empty parts, backslashes, encodings, hidden characters and the like may lead anywhere, so of them it is unknown.
 * Where links lead, text does not tell: that is the server's own to mind.
 */
import type { Truth } from './model.ts'
import { folded, isPlainText } from './plain-text.ts'

const LONGEST = 4096

/** @param base as `isPlainPath` says, without a slash at its end but for the root @returns true of the directory itself too */
export function isUnder(base: string, path: string): Truth {
  if (!isPlainPath(path)) return 'unknown'
  if (lies(base, path)) return true
  // Where case or width count for nothing it lies there all the same.
  return lies(folded(base), folded(path)) && 'unknown'
}

function lies(base: string, path: string): boolean {
  return base === '/' || path === base || (path.startsWith(base) && path[base.length] === '/')
}

/** Absolute, each part with a name; nothing in it that a shell, a URL, or another system's files give a meaning of its own. */
export function isPlainPath(path: string): boolean {
  if (path === '/') return true
  if (path.length > LONGEST || !path.startsWith('/') || !isPlainText(path)) return false
  // Wide dots and slashes are dots and slashes to some.
  if (path !== path.normalize('NFKC')) return false
  return path.slice(1).split('/').every(isPlainPart)
}

/**
 * Not empty; no dots or spaces at its end, which some systems leave out and which `.` and `..` are; no space before; none of
 * `\ % : * ? " < > | $ ~ ; #`, control characters, line ends, and what old code pages write as a slash.
 */
function isPlainPart(part: string): boolean {
  return part !== '' && !/[\\%:*?"<>|$~;#\p{Cc}\u2044\u2215\u2216\u29f5\u29f8\u29f9\u00a5\u20a9]|[.\s]$|^\s/u.test(part)
}
