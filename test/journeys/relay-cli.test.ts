/** `portico servers` for a server that asks: an admin says which of its questions reach people. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'

let portal: TestPortal
let ledger: Ledger
beforeAll(async () => {
  portal = await startTestPortal()
  ledger = await startLedger()
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
})

async function portico(...words: string[]) {
  let [out, err] = ['', '']
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const code = await run({ argv: ['servers', ...words], env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

async function server(): Promise<Record<string, unknown>> {
  return (await portal.api<Record<string, unknown>>('GET', '/access/ai-controls/mcp/servers/ledger')).body.result
}

test('a server is added, changed and shown with what it may ask', async () => {
  const quiet = ['--relay-elicitation', 'off', '--relay-roots', 'off']
  expect(await portico('add', 'Ledger', ledger.url, ...quiet)).toMatchObject({ code: 0 })
  const relay = { elicitation: false, sampling: false, sampling_max_tokens: 4096, roots: false, answer_time: 600 }
  expect(await server()).toMatchObject({ relay })
  expect((await portico('show', 'ledger')).out).toContain('may ask    nothing\n')

  const budget = ['--relay-sampling', 'on', '--relay-sampling-max-tokens', '500', '--relay-answer-time', '90']
  expect(await portico('update', 'ledger', ...budget)).toEqual({
    ...{ code: 0, err: '' },
    out: 'Changed ledger.\nmay ask    their models (500 tokens an answer); 90 seconds for an answer\n',
  })
  expect(await server()).toMatchObject({
    relay: { ...relay, sampling: true, sampling_max_tokens: 500, answer_time: 90 },
  })

  const open = await portico('update', 'ledger', '--relay-elicitation', 'on', '--relay-roots', 'on')
  expect(open.out).toContain('for their folders where one person is alone on the connection; 90 seconds')
  expect(open.err).toContain('--isolation per_user')
  const alone = await portico('update', 'ledger', '--isolation', 'per_user', '--relay-roots', 'on')
  expect(alone).toMatchObject({ code: 0, err: '' })
  expect((await portico('show', 'ledger')).out).toContain(
    'may ask    people, their models (500 tokens an answer), for their folders; 90 seconds for an answer\n',
  )
})

test('what else is said of a server is changed by the same verb, and what is not said stays', async () => {
  const before = await server()
  const words = ['--name', 'The ledger', '--description', 'Entries.', '--definitions', 'hold_new']
  expect(await portico('update', 'ledger', ...words)).toEqual({ code: 0, out: 'Changed ledger.\n', err: '' })
  const { name, description, definitions, relay, isolation } = await server()
  expect({ name, description, definitions }).toEqual({
    ...{ name: 'The ledger', description: 'Entries.', definitions: 'hold_new' },
  })
  expect({ relay, isolation }).toEqual({ relay: before.relay, isolation: before.isolation })
})

test('what the portal refuses is said, and a server that is not there is none', async () => {
  const much = await portico('update', 'ledger', '--relay-sampling-max-tokens', '200001')
  expect(much).toMatchObject({ code: 1, out: '', err: expect.stringContaining('relay.sampling_max_tokens:') })
  const other = await portico('update', 'other', '--relay-sampling', 'on')
  expect(other).toMatchObject({ code: 1, err: expect.stringContaining('There is no server "other".') })
})
