/**
 * What tools are called in code: an identifier for each, stable as long as the tools are the same. Names of tools are a server's
 * words; none of them may become a keyword, a member that the language itself looks for, or another tool's name.
 */
import { digest } from '../../base/secret.ts'

/** By public name. */
export type GuestNames = ReadonlyMap<string, string>

/** ECMA-262 keywords and reserved words, also those of strict code and of modules, and `arguments`, `eval`, `undefined` and the like. */
const RESERVED = new Set(
  (
    'abstract arguments async await boolean break byte case catch char class const continue debugger default delete do double else enum eval ' +
    'export extends false final finally float for from function get goto if implements import in instanceof int interface let long native new ' +
    'null of package private protected public return set short static super switch synchronized this throw throws transient true try typeof ' +
    'undefined using var void volatile while with yield Infinity NaN globalThis codemode console'
  ).split(' '),
)

/** Looked for by the language on any object: `await` asks for `then`, `JSON.stringify` for `toJSON`, and so on. */
const LOOKED_FOR = new Set(['then', 'catch', 'finally', 'toJSON', 'toString', 'valueOf', 'constructor', 'prototype'])

/**
 * - what separates words becomes `_`, what no identifier of ASCII may have is dropped
 * - a digit at the start gets `_` before it; a reserved word, and what the language looks for, `_` behind it
 */
export function guestName(name: string): string {
  const plain = name.replace(/[-.\s/:]/g, '_').replace(/[^A-Za-z0-9_$]/g, '')
  const begun = /^[0-9]/.test(plain) ? `_${plain}` : plain === '' ? '_' : plain
  const isTaken = RESERVED.has(begun) || LOOKED_FOR.has(begun) || begun in Object.prototype
  return isTaken ? `${begun}_` : begun
}

/**
 * Two that would be the same both get a hash of what they are called: the plain name is nobody's then, so that code which was written
 * when there was one of them never calls the other.
 *
 * @param names public names, each once
 */
export function guestNames(names: readonly string[]): GuestNames {
  const wanted = Map.groupBy(names, guestName)
  const found = new Map<string, string>()
  const taken = new Set<string>()
  for (const [wish, bearers] of wanted) {
    for (const name of bearers) {
      let given = bearers.length === 1 ? wish : `${wish}_${digest(name).slice(0, 8)}`
      while (taken.has(given)) given = `${given}_`
      taken.add(given)
      found.set(name, given)
    }
  }
  return found
}
