/** Tools that were found, as text for a model: as signatures, or as whole definitions. */
import { LIMITS } from '../../config/limits.ts'
import type { Entry } from '../catalog.ts'
import { signatureOf } from './typings.ts'

/** @param name what it is called by: a public name, or an identifier in code */
export function compactly(entry: Entry, name: string): string {
  const { description, inputSchema, outputSchema } = JSON.parse(entry.listed)
  const called = /^[A-Za-z0-9_.$-]+$/.test(name) ? name : JSON.stringify(name)
  return signatureOf(called, {
    description: typeof description === 'string' ? description : '',
    inputSchema,
    outputSchema,
  })
}

export function wholly(entry: Entry, name: string): string {
  const { name: _public, ...rest } = JSON.parse(entry.listed)
  return JSON.stringify({ name, ...rest })
}

const MOST = LIMITS.search_answer.value

/**
 * What a search tells: each tool whole, best first, and no more of them than a model should have to read.
 *
 * @param texts of the tools that were found @param among tools that the caller has in all
 */
export function answerOf(texts: readonly string[], among: number): string {
  let room = MOST
  const fitting = texts.findIndex((text, at) => {
    room -= text.length
    return room < 0 && at > 0
  })
  const told = fitting === -1 ? texts : texts.slice(0, fitting)
  const left = texts.length - told.length
  const rest =
    left === 0 ? [] : [`${left} more would be too long to read at once. Search more precisely, or for signatures.`]
  return [countLine(texts.length, among), ...told, ...rest].join('\n')
}

function countLine(found: number, among: number): string {
  const tools = among === 1 ? '1 tool' : `${among} tools`
  return found === 0 ? `None of your ${tools} matches. Try other or fewer words.` : `${found} of your ${tools}:`
}
