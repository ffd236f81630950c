import { describe, expect, test } from 'vitest'
import { elicitParams, type Fields, modeFor, readAnswer } from './elicitation.ts'
import type { ClientFacts, Json, JsonObject } from './model.ts'

const client = (version: string, capabilities: JsonObject): ClientFacts => ({
  ...{ era: version < '2026' ? ('2025' as const) : ('2026' as const), version, capabilities },
  ...{ name: null, clientVersion: null },
})

describe('a client is asked in a mode that it declared', () => {
  test.each<[string, JsonObject, boolean, string | null]>([
    ['2026-07-28', {}, true, null],
    ['2026-07-28', { elicitation: {} }, true, 'form'],
    ['2026-07-28', { elicitation: { url: {} } }, true, 'url'],
    ['2026-07-28', { elicitation: { url: {} } }, false, null],
    ['2026-07-28', { elicitation: { form: {}, url: {} } }, true, 'url'],
    ['2026-07-28', { elicitation: { form: {}, url: {} } }, false, 'form'],
    ['2026-07-28', { elicitation: { form: {} } }, true, 'form'],
    ['2026-07-28', { elicitation: true }, true, null],
    ['2025-11-25', { elicitation: { url: {} } }, true, 'url'],
    ['2025-11-25', { elicitation: {} }, true, 'form'],
    ['2025-06-18', { elicitation: { url: {} } }, true, 'form'],
    ['2025-06-18', { elicitation: {} }, false, 'form'],
    ['2025-06-18', { sampling: {} }, false, null],
    ['2025-03-26', { elicitation: {} }, false, null],
    ['2024-11-05', { elicitation: {} }, true, null],
  ])('%s with %j, a page: %s → %s', (version, capabilities, wantsPage, mode) => {
    expect(modeFor(client(version, capabilities), wantsPage)).toBe(mode)
  })
})

describe('what a client is sent', () => {
  const link = { id: 'e1', url: 'https://portal.test/authorize?elicitationId=e1' }
  const fields: Fields = { why: { type: 'string', title: 'Why', maxLength: 20 } }

  test('a page has an id of its own in 2025-11-25, and none in 2026', () => {
    const asked = { message: 'm', link, fields: {} }
    expect(elicitParams(asked, 'url', '2025-11-25')).toEqual({
      mode: 'url',
      message: 'm',
      elicitationId: 'e1',
      url: link.url,
    })
    expect(elicitParams(asked, 'url', '2026-07-28')).toEqual({ mode: 'url', message: 'm', url: link.url })
  })

  test('where there are no pages, the form tells the address; a mode is named only where there are modes', () => {
    const requestedSchema = { type: 'object', properties: {}, required: [] }
    const message = `m\n\n${link.url}`
    expect(elicitParams({ message: 'm', link, fields: {} }, 'form', '2025-06-18')).toEqual({ message, requestedSchema })
    expect(elicitParams({ message: 'm', link, fields: {} }, 'form', '2026-07-28')).toEqual({
      mode: 'form',
      message,
      requestedSchema,
    })
  })

  test('fields are a flat schema, and all of them are wanted', () => {
    expect(elicitParams({ message: 'm', link: null, fields }, 'form', '2025-11-25')).toEqual({
      mode: 'form',
      message: 'm',
      requestedSchema: { type: 'object', properties: fields, required: ['why'] },
    })
  })
})

describe('what a client answers is held against what was asked', () => {
  const fields: Fields = {
    why: { type: 'string', title: 'Why', maxLength: 5 },
    sure: { type: 'boolean', title: 'Sure' },
    size: { type: 'string', title: 'Size', maxLength: 5, enum: ['s', 'm'] },
  }
  const good = { why: 'x', sure: true, size: 'm' }

  test('an accepted form has its fields and nothing else', () => {
    const content = { ...good, more: 1, __proto__: { admin: true } }
    expect(readAnswer({ action: 'accept', content }, fields)).toEqual({ action: 'accept', content: good })
  })

  test.each<Json>([
    null,
    'accept',
    [],
    {},
    { action: 'yes' },
    { action: 'accept' },
    { action: 'accept', content: [] },
    { action: 'accept', content: { ...good, why: 'longer' } },
    { action: 'accept', content: { ...good, why: 1 } },
    { action: 'accept', content: { ...good, sure: 'true' } },
    { action: 'accept', content: { ...good, size: 'l' } },
    { action: 'accept', content: { why: 'x', sure: true } },
  ])('%j is no answer', (result) => {
    expect(readAnswer(result, fields)).toBeNull()
  })

  test.each(['decline', 'cancel'] as const)('%s needs no content, and what it brings is not looked at', (action) => {
    expect(readAnswer({ action, content: { why: 'longer than it may be' } }, fields)).toEqual({ action, content: {} })
  })

  test('a page is answered without content', () => {
    expect(readAnswer({ action: 'accept' }, {})).toEqual({ action: 'accept', content: {} })
  })
})
