import { describe, expect, test } from 'vitest'
import { findHidden, hasHidden, hidesSomething, withoutHidden } from './hidden-characters.ts'

const PLANTED: [string, string, string][] = [
  ['a tag character', '\u{e0041}', 'U+E0041'],
  ['a zero-width space', '\u200b', 'U+200B'],
  ['a zero-width joiner that joins nothing', '\u200d', 'U+200D'],
  ['a bidi override', '\u202e', 'U+202E'],
  ['a bidi isolate', '\u2066', 'U+2066'],
  ['an ANSI escape', '\u001b[31m', 'U+001B'],
  ['an OSC of one character', '\u009d', 'U+009D'],
  ['a backspace', '\b', 'U+0008'],
  ['a NUL', '\0', 'U+0000'],
  ['a byte order mark', '\ufeff', 'U+FEFF'],
  ['a variation selector that selects nothing', '\u{e0101}', 'U+E0101'],
  ['a Hangul filler', '\u3164', 'U+3164'],
  ['a line separator', '\u2028', 'U+2028'],
  ['half a surrogate pair', '\ud800', 'U+D800'],
]

describe('characters that a person does not see', () => {
  test.each(PLANTED)('%s is found, named and taken out', (_what, character, codePoint) => {
    const text = `Adds ${character} an entry.`
    expect(hasHidden(text)).toBe(true)
    expect(findHidden({ description: text })).toEqual([{ path: '/description', codePoints: [codePoint] }])
    expect(hasHidden(withoutHidden(text))).toBe(false)
    expect(hidesSomething(JSON.stringify({ a: [{ [text]: 1 }] }))).toBe(true)
  })

  test('tabs, line ends, accents, scripts and emoji are seen', () => {
    const text = 'Schöne\tGrüße\r\n日本語 عربي देवनागरी 👩‍💻 ⚠️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ✅️'
    expect(hasHidden(text)).toBe(false)
    expect(withoutHidden(text)).toBe(text)
    expect(hidesSomething(JSON.stringify({ text }))).toBe(false)
    expect(withoutHidden('👩‍💻\u200b!')).toBe('👩‍💻!')
  })

  test('a flag that is no flag hides its tags', () => {
    const smuggled = '\u{1f3f4}\u{e0068}\u{e0069}\u{e007f}'
    expect(findHidden(smuggled)[0]?.codePoints).toEqual(['U+E0068', 'U+E0069', 'U+E007F'])
  })

  test('are found in keys, enums, defaults and nested text, by JSON pointer', () => {
    const z = '\u200b'
    const definition = {
      inputSchema: { properties: { a: { enum: ['x', `y${z}`], default: z } }, [`k/${z}`]: true },
      _meta: { 'v~1': [z] },
    }
    expect(findHidden(definition).map(({ path }) => path)).toEqual([
      '/inputSchema/properties/a/enum/1',
      '/inputSchema/properties/a/default',
      `/inputSchema/k~1${z}`,
      '/_meta/v~01/0',
    ])
  })
})
