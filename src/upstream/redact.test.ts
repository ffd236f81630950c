import { expect, test } from 'vitest'
import { scanReply } from '../protocol/scan.ts'
import {
  formsOf,
  needlesOf,
  redactGreeting,
  redactList,
  redactNotification,
  redactReply,
  redactText,
  withoutTokens,
} from './redact.ts'
import type { ServerSetup } from './setup.ts'

const secrets = ['Bearer nabcdefgh-0123', 'abc']
const setup = {
  transport: { type: 'stdio', command: 'x', args: [], env: { KEY: 'env-secret-42', MODE: 'prod' } },
} as unknown as ServerSetup

function reply(member: string) {
  const raw = scanReply(Buffer.from(`{"jsonrpc":"2.0","id":7,${member}}`))
  if (raw === null) throw new Error('no reply')
  return raw
}

const cases = [
  { what: 'the token of a header', said: '"no nabcdefgh-0123 here"', kept: '"no [redacted] here"' },
  { what: 'the whole header', said: '"Bearer nabcdefgh-0123"', kept: '"Bearer [redacted]"' },
  { what: 'a variable of a child', said: '"env-secret-42"', kept: '"[redacted]"' },
  { what: 'a value too short to be a secret', said: '"abc prod"', kept: '"abc prod"' },
  { what: 'what only looks so, behind a line end', said: '"\\nabcdefgh-0123"', kept: '"\\nabcdefgh-0123"' },
  { what: 'what stands behind a backslash', said: '"\\\\nabcdefgh-0123"', kept: '"\\\\[redacted]"' },
]
for (const { what, said, kept } of cases) {
  test(`${what} is ${said === kept ? 'kept in' : 'taken out of'} an error`, () => {
    const raw = reply(`"error":{"code":1,"message":${said}}`)
    const safe = redactReply(raw, setup, secrets)
    expect(safe.bytes.toString()).toBe(raw.bytes.toString().replace(said, kept))
    expect(scanReply(safe.bytes)).toEqual(safe)
  })
}

test('an error that is none any more without a secret is not handed on, nor one that is too long to be gone through', () => {
  const env = { TENANT: '12345678' }
  const numeric = { ...setup, transport: { ...setup.transport, env } } as unknown as ServerSetup
  const long = JSON.stringify('env-secret-42'.repeat(100_000))
  const cases = [
    { member: '"error":{"code":1,"message":"m","data":{"tenant":12345678}}', by: numeric },
    { member: '"result":{"isError":true,"content":[],"structuredContent":{"tenant":112345678}}', by: numeric },
    { member: `"error":{"code":1,"message":"m","data":${long}}`, by: setup },
    { member: `"result":{"isError":true,"content":[{"type":"text","text":${long}}]}`, by: setup },
  ]
  for (const { member, by } of cases) {
    const raw = reply(member)
    const safe = redactReply(raw, by, secrets)
    expect(safe.outcome).toBe(raw.outcome)
    expect(safe.has.isError).toBe(raw.has.isError)
    expect(JSON.parse(safe.bytes.toString()).id).toBe(7)
    expect(safe.bytes.toString()).toContain('The server answered with something this portal cannot relay.')
    expect(safe.bytes.toString()).not.toMatch(/12345678|secret-42/)
  }
})

test('a result that is no error is handed on as it is, without a look', () => {
  const raw = reply('"result":{"text":"nabcdefgh-0123"}')
  expect(redactReply(raw, setup, secrets)).toBe(raw)
})

test('text for the log is no JSON: a backslash before a secret hides nothing', () => {
  expect(redactText('C:\\env-secret-42 env-secret-42', setup)).toBe('C:\\[redacted] [redacted]')
})

test('a result that succeeds loses the live token where it repeats it as it is, and nothing else of it changes', () => {
  const token = 'a/token~of+32=characters'
  const needles = needlesOf([`Bearer ${token}`, 'too short'])
  const raw = reply(`"result":{"content":[{"type":"text","text":"authorization: Bearer ${token}, too short"}],"x":1}`)
  const text = withoutTokens(raw, needles).bytes.toString()
  expect(text).toBe(raw.bytes.toString().replace(token, '[redacted]'))
  expect(withoutTokens(reply('"result":{"content":[]}'), needles).bytes.toString()).toContain('"content":[]')
  const clean = reply('"result":{"x":"another-token-of-some-length"}')
  expect(withoutTokens(clean, needles)).toBe(clean)
  // As a number, or part of one, it cannot be taken out: then nothing is shown.
  const numeric = reply('"result":{"x":1234567890123456789}')
  expect(withoutTokens(numeric, needlesOf(['1234567890123456789']))).toMatchObject({ has: { isError: true } })
})

test('a progress or log message loses what went with the call, in values and in names, and is kept back where it is none without', () => {
  const params = { progress: 1, message: 'for nabcdefgh-0123', data: { 'nabcdefgh-0123': [{ env: 'env-secret-42' }] } }
  const said = { method: 'notifications/message', params }
  expect(redactNotification(said, formsOf(setup, secrets))).toEqual({
    method: 'notifications/message',
    params: { progress: 1, message: 'for [redacted]', data: { '[redacted]': [{ env: '[redacted]' }] } },
  })
  const clean = { method: 'notifications/progress', params: { progress: 2, message: 'é\n"quoted"' } }
  expect(redactNotification(clean, formsOf(setup, secrets))).toBe(clean)
  expect(redactNotification({ method: 'm', params: { progress: 12345678 } }, formsOf(setup, ['12345678']))).toBeNull()
  const long = { method: 'm', params: { message: 'env-secret-42'.repeat(100_000) } }
  expect(redactNotification(long, formsOf(setup, secrets))).toBeNull()
})

test('what a server says of itself loses a token that went to it, however it is written, and keeps words that are short', () => {
  const token = 'a/token~of+32=characters'
  const forms = [token, encodeURIComponent(token), String(new URLSearchParams([['a', token]])).slice(2)]
  forms.push(Buffer.from(`Bearer ${token}`).toString('base64'), Buffer.from(token).toString('hex'))
  const tools = [{ name: 'ask', description: [...forms, 'engineering'].join(' | '), inputSchema: { [token]: 1 } }]
  const raw = reply(`"result":{"tools":${JSON.stringify(tools)}}`)
  const text = redactList(raw, [`Bearer ${token}`, 'engineering']).bytes.toString()
  for (const form of forms) expect(text).not.toContain(form)
  expect(JSON.parse(text).result.tools[0]).toMatchObject({
    name: 'ask',
    description: expect.stringContaining('| engineering'),
  })
  expect(redactList(raw, ['another-token-of-some-length'])).toBe(raw)
  const long = reply(`"result":{"tools":[],"x":${JSON.stringify(token.repeat(60_000))}}`)
  expect(redactList(long, [token])).toMatchObject({ has: { isError: true } })
  expect(redactGreeting(`Use ${token}, é`, [token])).toBe('Use [redacted], é')
  const capabilities = { tools: {}, experimental: { engineering: {} } }
  expect(redactGreeting(capabilities, [token, 'engineering'])).toBe(capabilities)
  expect(redactGreeting(null, [token])).toBeNull()
})
