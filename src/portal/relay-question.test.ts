/** What of a server's question reaches a person, and in which shape. */
import { describe, expect, test } from 'vitest'
import type { ServerQuestion } from '../protocol/asked.ts'
import type { JsonObject } from '../protocol/model.ts'
import { DEFAULT_RELAY } from '../upstream/model.ts'
import { fitAnswer, fitQuestion, paramsFor } from './relay-question.ts'

const guarded = {
  server: { name: 'Ledger', relay: DEFAULT_RELAY },
  isOwnHost: (host: string) => host === 'portal.acme.test',
}

const page = (url: unknown, message = 'Confirm the payment'): ServerQuestion => ({
  method: 'elicitation/create',
  params: { mode: 'url', elicitationId: 'theirs', url, message } as JsonObject,
})

const form = (properties: JsonObject, message: unknown = 'Who pays?'): ServerQuestion => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties } } as JsonObject,
})

const sampling = (params: JsonObject): ServerQuestion => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'Sum up' } }], maxTokens: 100, ...params },
})

function refusalOf(question: ServerQuestion): string | null {
  const fit = fitQuestion(question, guarded)
  return 'refused' in fit ? fit.refused : null
}

function fitted(question: ServerQuestion): JsonObject {
  const fit = fitQuestion(question, guarded)
  if ('refused' in fit) throw new Error(fit.refused)
  return fit.question.params
}

describe('a page', () => {
  // [RELAY-4]
  test.each([
    ['of the portal itself', 'https://portal.acme.test/consent/1'],
    ['of the portal itself, spelled with a dot', 'https://portal.acme.test./consent/1'],
    ['of the portal itself, in capitals', 'https://PORTAL.acme.test/approve/1'],
    ['without TLS', 'http://pay.example.com/'],
    ['that is a script', 'javascript:alert(1)'],
    ['that is data', 'data:text/html,hello'],
    ['that is a file', 'file:///etc/passwd'],
    ['that hides its host behind a name', 'https://portal.acme.test@evil.example/'],
    ['with a user', 'https://user@evil.example/'],
    ['on this machine', 'https://localhost/'],
    ['on this machine, by a name below', 'https://x.localhost/'],
    ['on this machine, by address', 'https://127.0.0.1/'],
    ['on this machine, by another spelling', 'https://2130706433/'],
    ['on this machine, by an address of six', 'https://[::1]/'],
    ['inside a network', 'https://10.0.0.8/'],
    ['where clouds keep secrets', 'https://169.254.169.254/latest/'],
    ['by a name without a dot', 'https://intranet/'],
    ['by a name of the house', 'https://printer.local/'],
    ['that is none', 'pay here'],
    ['that is missing', undefined],
  ])('%s is not shown to people', (_, url) => {
    expect(refusalOf(page(url))).not.toBeNull()
  })

  // [RELAY-4]
  test('names its server and its host before the server speaks, and has no id of the server', () => {
    expect(fitted(page('https://pay.example.com:8443/x?y=1'))).toEqual({
      mode: 'url',
      url: 'https://pay.example.com:8443/x?y=1',
      message: 'Ledger asks you to open a page at pay.example.com:8443: Confirm the payment',
    })
  })

  test('has an id of ours for a client of 2025-11-25, and none for later ones', () => {
    const params = fitted(page('https://pay.example.com/'))
    const question = { method: 'elicitation/create', params } as const
    expect(paramsFor(question, '2025-11-25', 'ours')).toMatchObject({ mode: 'url', elicitationId: 'ours' })
    expect(paramsFor(question, '2026-07-28', 'ours')).not.toHaveProperty('elicitationId')
  })
})

describe('a form', () => {
  // [RELAY-4]
  test.each([
    'password',
    'userPassword',
    'passwd',
    'api_key',
    'apiKey',
    'API key',
    'access_token',
    'refreshToken',
    'client_secret',
    'private-key',
    'cvv',
    'ssn',
    'pin',
    'one_time_code',
    'otp',
    'passphrase',
  ])('that asks for %s is not shown to people', (name) => {
    expect(refusalOf(form({ [name]: { type: 'string' } }))).toContain('secret')
    expect(refusalOf(form({ field: { type: 'string', title: name } }))).toContain('secret')
  })

  test.each(['name', 'tokens_left', 'pinned', 'spinner', 'shipping', 'keyboard', 'assistant', 'city'])(
    'that asks for %s is',
    (name) => {
      expect(refusalOf(form({ [name]: { type: 'string' } }))).toBeNull()
    },
  )

  test('names its server, and its schema is not touched', () => {
    const properties = { name: { type: 'string', default: 'Ann', 'x-own': [1] } }
    expect(fitted(form(properties))).toEqual({
      mode: 'form',
      message: 'Ledger asks: Who pays?',
      requestedSchema: { type: 'object', properties },
    })
  })

  test('has no mode for a client that knows none', () => {
    const question = { method: 'elicitation/create', params: fitted(form({ name: { type: 'string' } })) } as const
    expect(paramsFor(question, '2025-06-18', 'ours')).not.toHaveProperty('mode')
    expect(paramsFor(question, '2025-11-25', 'ours')).toMatchObject({ mode: 'form' })
  })

  test('without a message, without a schema, or without an end is none', () => {
    expect(refusalOf(form({}, 7))).not.toBeNull()
    expect(refusalOf({ method: 'elicitation/create', params: { message: 'x' } })).not.toBeNull()
    expect(refusalOf(form({ name: { type: 'string', description: 'x'.repeat(70_000) } }))).toContain('too long')
  })
})

describe('an answer of the model', () => {
  // [RELAY-5]
  test('costs no more tokens than the admin gave, and takes nothing of other servers along', () => {
    const params = fitted(sampling({ maxTokens: 1_000_000, includeContext: 'allServers', systemPrompt: 'Be brief' }))
    expect(params).toMatchObject({ maxTokens: DEFAULT_RELAY.samplingMaxTokens, systemPrompt: 'Be brief' })
    expect(params).not.toHaveProperty('includeContext')
    expect(fitted(sampling({ maxTokens: 7 }))).toMatchObject({ maxTokens: 7 })
  })

  test('to something that is no request for one is not asked for', () => {
    expect(refusalOf({ method: 'sampling/createMessage', params: { messages: [] } })).not.toBeNull()
    expect(refusalOf(sampling({ maxTokens: 'many' }))).not.toBeNull()
  })
})

describe('what a client says', () => {
  const asked = form({ name: { type: 'string' } })

  test.each([
    ['an agreement', { action: 'accept', content: { name: 'Ann' } }, { action: 'accept', content: { name: 'Ann' } }],
    ['a no, whatever stands beside it', { action: 'decline', content: { name: 'Ann' } }, { action: 'decline' }],
    ['no choice', { action: 'cancel' }, { action: 'cancel' }],
    ['marks of the client', { action: 'accept', _meta: { a: 1 } }, { action: 'accept' }],
    ['another word', { action: 'yes' }, null],
    ['nothing', {}, null],
  ])('%s reaches the server as what it is', (_, said, heard) => {
    expect(fitAnswer(asked, said)).toEqual(heard)
  })
})
