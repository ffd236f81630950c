import { expect, test } from 'vitest'
import { scanReply } from '../protocol/scan.ts'
import { redactReply, redactText } from './redact.ts'
import type { ServerSetup } from './setup.ts'

const headers = ['authorization', 'Bearer nabcdefgh-0123', 'x-short', 'abc']
const setup = {
  credential: { name: 'bearer:admin', version: '', headers },
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
    const safe = redactReply(raw, setup)
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
    const safe = redactReply(raw, by)
    expect(safe.outcome).toBe(raw.outcome)
    expect(safe.has.isError).toBe(raw.has.isError)
    expect(JSON.parse(safe.bytes.toString()).id).toBe(7)
    expect(safe.bytes.toString()).toContain('The server answered with something this portal cannot relay.')
    expect(safe.bytes.toString()).not.toMatch(/12345678|secret-42/)
  }
})

test('a result that is no error is handed on as it is, without a look', () => {
  const raw = reply('"result":{"text":"nabcdefgh-0123"}')
  expect(redactReply(raw, setup)).toBe(raw)
})

test('text for the log is no JSON: a backslash before a secret hides nothing', () => {
  expect(redactText('C:\\nabcdefgh-0123 env-secret-42', setup)).toBe('C:\\[redacted] [redacted]')
})
