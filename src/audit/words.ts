/**
 * Looking for words in rows. The database sorts out most rows by a pattern that is never too narrow; whether a row really holds the words is
 * decided here, alike for every database, by what the row says and not by how it is stored.
 */
import type { AuditRow } from './event.ts'

/** @returns the words to look for, in lower case; none where the text has none */
export function wordsIn(text: string): string[] {
  return text
    .toWellFormed()
    .toLowerCase()
    .split(/[\s\p{Cc}]+/u)
    .filter((word) => word !== '')
}

/** Whether all words are in the row, upper or lower case, in any of its texts. */
export function holdsWords(row: AuditRow, words: readonly string[]): boolean {
  const { actor, change } = row
  const texts = [
    ...[
      row.method,
      row.portal,
      row.server,
      row.capability,
      row.original,
      row.outcome,
      row.error,
      row.rule,
      row.purpose,
    ],
    ...[actor.id, actor.label, row.clientName, row.clientVersion, row.clientIp, row.session, row.deed, row.parent],
    ...[row.credential, row.definitionHash, row.traceparent, row.era],
    ...(change === undefined ? [] : [change.object, change.id, ...change.fields]),
  ]
  const text = texts
    .filter((one) => typeof one === 'string')
    .join('\n')
    .toLowerCase()
  return words.every((word) => text.includes(word))
}

/** For `LIKE … ESCAPE '!'`, which knows upper and lower case of ASCII alone; what JSON writes otherwise may be anything. */
export function patternFor(word: string): string {
  const parts = Array.from(word, (character) => {
    if (character === '%' || character === '_' || character === '!') return `!${character}`
    if (character === '"' || character === '\\' || character === '\ufffd') return '%'
    if (character <= '~') return character
    return character.toUpperCase() === character && character.toLowerCase() === character ? character : '%'
  })
  return `%${parts.join('')}%`
}
