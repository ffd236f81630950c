import { describe, expect, test } from 'vitest'
import { cut, makeRenderer } from './render.ts'

const render = makeRenderer()
const shown = (members: object, kind: 'tool' | 'resource' = 'tool') =>
  JSON.parse(render(kind, { name: 'n', json: JSON.stringify(members), hash: '' }, kind === 'tool' ? 's_n' : 'n', null))

describe('what a server says at length is cut for show', () => {
  test('a description of more than 4 KiB is cut at a character, and one of 4 KiB is whole', () => {
    const whole = 'ä'.repeat(2048)
    expect(shown({ name: 'n', description: whole }).description).toBe(whole)
    for (const long of [`${whole}x`, 'x'.repeat(60_000), '𝄞'.repeat(2000), `x${'€'.repeat(2000)}`]) {
      const { description } = shown({ name: 'n', description: long })
      expect(Buffer.byteLength(description)).toBeLessThanOrEqual(4096)
      expect(Buffer.byteLength(description)).toBeGreaterThan(4088)
      expect(description.endsWith('…')).toBe(true)
      expect(long.startsWith(description.slice(0, -1))).toBe(true)
    }
  })

  test('a title of more than 512 bytes is cut, beside the name and among the annotations', () => {
    const title = 't'.repeat(600)
    const cutTitle = `${'t'.repeat(509)}…`
    const annotations = { title, readOnlyHint: true }
    expect(shown({ name: 'n', title, annotations })).toEqual({
      name: 's_n',
      title: cutTitle,
      annotations: { title: cutTitle, readOnlyHint: true },
    })
    expect(shown({ uri: 'a:1', name: 'own', title }, 'resource')).toEqual({ uri: 'a:1', name: 'own', title: cutTitle })
  })

  test('an admin’s own description stands as it was written', () => {
    const definition = { name: 'n', json: JSON.stringify({ name: 'n', description: 'theirs' }), hash: '' }
    expect(JSON.parse(render('tool', definition, 's_n', 'ours')).description).toBe('ours')
  })
})

test.each([
  ['resource', 'uri'],
  ['template', 'uriTemplate'],
] as const)('a %s that is shown under another URI has that in it, and all else as it is', (kind, member) => {
  const definition = { name: 'a:1', json: `{"${member}":"a:1","name":"own","size":1e3}`, hash: '' }
  expect(render(kind, definition, 'a:1', null)).toBe(definition.json)
  expect(JSON.parse(render(kind, definition, 'portico:s:a:1', null))).toEqual({
    [member]: 'portico:s:a:1',
    name: 'own',
    size: 1000,
  })
})

test('what is cut keeps no half of a character, however small the room', () => {
  for (let bytes = 3; bytes < 20; bytes++) {
    const short = cut('€𝄞ä€𝄞ä€𝄞ä', bytes)
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(bytes)
    expect(short).not.toContain('\ufffd')
  }
})
