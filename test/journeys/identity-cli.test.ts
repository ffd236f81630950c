/** `portico servers` for a server that is told who calls. */
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

test('a server is added with its header, and shown with its audience', async () => {
  const header = ['--identity-header', 'X-Caller', '--identity-claim', 'groups', '--identity-claim', 'amr']
  expect(await portico('add', 'Ledger', ledger.url, ...header)).toMatchObject({ code: 0 })
  const answer = await portal.api<Record<string, unknown>>('GET', '/access/ai-controls/mcp/servers/ledger')
  const { identity_audience, ...server } = answer.body.result
  expect(server).toMatchObject({ identity_header: 'X-Caller', identity_claims: ['groups', 'amr'] })
  const { out } = await portico('show', 'ledger')
  expect(out).toContain(`is told    who calls, in X-Caller, for the audience ${identity_audience}\n`)
  expect(ledger.headers['x-caller']).toMatch(/^eyJ/)
})

test('a header that is taken is refused with what may stand there', async () => {
  const { code, err } = await portico('add', 'Other', ledger.url, '--identity-header', 'Authorization')
  expect([code, err]).toEqual([1, expect.stringContaining('"Cf-Access-Jwt-Assertion"')])
})
