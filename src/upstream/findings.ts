/**
 * What an admin should look at in a definition: hidden characters, orders to the model, names of other servers' tools. A
 * finding is a hint and holds nothing by itself. Plain search over text, linear in its length; it must not become a
 * language of its own, because whoever writes definitions would learn it.
 */
import type { Json } from '../protocol/model.ts'
import { findHidden, stringsIn, withoutHidden } from './hidden-characters.ts'
import type { Definition } from './model.ts'

export type Finding =
  | { kind: 'hidden-characters'; path: string; codePoints: readonly string[] }
  | { kind: 'instructions'; path: string; phrase: string }
  | { kind: 'other-server'; path: string; tool: string; server: string }

/** Lower case, single spaces, straight quotes. */
const PHRASES: readonly string[] = [
  'ignore previous',
  'ignore all previous',
  'ignore the previous',
  'ignore the above',
  'ignore any previous',
  'disregard previous',
  'disregard all previous',
  'disregard the above',
  'forget previous',
  'do not tell the user',
  "don't tell the user",
  'do not inform the user',
  'do not mention this',
  "don't mention this",
  'without telling the user',
  'without informing the user',
  'hide this from the user',
  'keep this secret',
  'system prompt',
  'system message',
  'developer message',
  '<important>',
  '<system>',
  '<secret>',
  '<instructions>',
  '<|im_start|>',
  '[inst]',
  'before using this tool',
  'before calling this tool',
  'before using any tool',
  'before any other tool',
  'instead of using',
  'do not use any other',
  'you must always',
  'always call this tool first',
  'this tool must be called',
  'conversation history',
  'id_rsa',
  '~/.ssh',
  '.env file',
]

const WORD = /[A-Za-z0-9][A-Za-z0-9_.-]*/g
/** In one definition; more tell nothing new. */
const MOST = 50

/** @param beside public names of other servers' tools, with their servers */
export function findIn(definition: Definition, beside: ReadonlyMap<string, string>): Finding[] {
  const value = JSON.parse(definition.json) as Json
  const findings: Finding[] = findHidden(value).map((hidden) => ({ kind: 'hidden-characters', ...hidden }))
  for (const { path, text } of stringsIn(value)) {
    if (findings.length >= MOST) break
    const phrase = phraseIn(text)
    if (phrase !== undefined) findings.push({ kind: 'instructions', path, phrase })
    for (const [tool, server] of namesIn(text, beside)) findings.push({ kind: 'other-server', path, tool, server })
  }
  return findings.slice(0, MOST)
}

/** Hidden characters between the letters do not hide a phrase. */
function phraseIn(text: string): string | undefined {
  const plain = withoutHidden(text).normalize('NFKC').toLowerCase().replaceAll('’', "'").replace(/\s+/g, ' ')
  return PHRASES.find((phrase) => plain.includes(phrase))
}

function namesIn(text: string, beside: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string>()
  if (beside.size === 0) return found
  for (const [word] of withoutHidden(text).matchAll(WORD)) {
    // A name at the end of a sentence has its full stop behind it.
    for (const name of [word, word.replace(/[.-]+$/, '')]) {
      const server = beside.get(name)
      if (server !== undefined) found.set(name, server)
    }
  }
  return found
}
