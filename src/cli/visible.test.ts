import { describe, expect, test } from 'vitest'
import { visible, visibleJson } from '../base/visible.ts'
import { openTerminal, type Sink } from './terminal.ts'

/** What a hostile server or client could put where a name belongs. */
const planted = [
  { what: 'a new line that forges a row', text: 'a\nb', shown: 'a\\u{a}b' },
  { what: 'a carriage return that overwrites', text: 'a\rb', shown: 'a\\u{d}b' },
  { what: 'an escape sequence that clears the screen', text: '\u001b[2J', shown: '\\u{1b}[2J' },
  { what: 'OSC 52, which fills the clipboard', text: '\u001b]52;c;eA==\u0007', shown: '\\u{1b}]52;c;eA==\\u{7}' },
  { what: 'the 8-bit control sequence introducer', text: '\u009b2J', shown: '\\u{9b}2J' },
  { what: 'DEL', text: '\u007f', shown: '\\u{7f}' },
  { what: 'a bidi override', text: 'a\u202eb', shown: 'a\\u{202e}b' },
  { what: 'a bidi isolate', text: 'a\u2066b', shown: 'a\\u{2066}b' },
  { what: 'a zero-width space', text: 'a\u200bb', shown: 'a\\u{200b}b' },
  { what: 'tag characters', text: 'a\u{e0041}b', shown: 'a\\u{e0041}b' },
  { what: 'line and paragraph separators', text: '\u2028\u2029', shown: '\\u{2028}\\u{2029}' },
  { what: 'a lone surrogate', text: '\ud800', shown: '\\u{d800}' },
]

describe('visible', () => {
  for (const { what, text, shown } of planted) {
    test(`${what} is shown, not obeyed`, () => {
      expect(visible(text)).toBe(shown)
    })
    test(`${what} in JSON is escaped and reads back the same`, () => {
      const json = visibleJson({ [text]: [text] }, 2)
      expect(visible(json.replaceAll('\n', ''))).toBe(json.replaceAll('\n', ''))
      expect(JSON.parse(json)).toEqual({ [text]: [text] })
    })
  }
  test('what people write stays as it is', () => {
    expect(visible('Größe 100 % — 日本語 👩🏽 ✓')).toBe('Größe 100 % — 日本語 👩🏽 ✓')
  })
})

function sink(isTTY: boolean): Sink & { text: string } {
  return {
    text: '',
    isTTY,
    write(text: string) {
      this.text += text
    },
  }
}

describe('terminal', () => {
  test('a cell cannot break out of its row', () => {
    const stdout = sink(false)
    openTerminal(stdout, sink(false), false).table(['ID', 'NAME'], [['a', 'x\nready  fake']], 'none')
    expect(stdout.text).toBe('ID  NAME\na   x\\u{a}ready  fake\n')
  })
  test('no rows are one line that says so', () => {
    const stdout = sink(false)
    openTerminal(stdout, sink(false), false).table(['ID'], [], 'Nothing yet.')
    expect(stdout.text).toBe('Nothing yet.\n')
  })
  const places = [
    { stderrIsTerminal: true, json: false, shows: true },
    { stderrIsTerminal: false, json: false, shows: false },
    { stderrIsTerminal: true, json: true, shows: false },
  ]
  for (const { stderrIsTerminal, json, shows } of places) {
    test(`progress ${shows ? 'shows' : 'stays away'} with stderr ${stderrIsTerminal ? 'on' : 'off'} a terminal${json ? ' and --json' : ''}, and never reaches stdout`, async () => {
      const [stdout, stderr] = [sink(true), sink(stderrIsTerminal)]
      expect(await openTerminal(stdout, stderr, json).during('waiting…', Promise.resolve(7))).toBe(7)
      expect(stdout.text).toBe('')
      expect(stderr.text).toBe(shows ? 'waiting…\r\u001b[K' : '')
    })
  }
})
