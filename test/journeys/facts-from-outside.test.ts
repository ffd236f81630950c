/**
 * Policies that look at where a request comes from and at what others say of the caller: a country, a certificate that a proxy vouches
 * for, an external evaluator. Believed is who may say so; what nobody says is not known, and closes.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parsePlace } from '../../src/base/destination.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, messageOf } from '../raw-mcp.ts'
import { type Evaluator, startEvaluator } from '../support/evaluator.ts'
import { inCountry, mmdb } from '../support/mmdb.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

let dir: string
let ledger: Ledger
let evaluator: Evaluator
/** The one is behind a proxy on this machine; the other has its proxy elsewhere, so that this machine is anybody. */
let proxied: TestPortal
let direct: TestPortal

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'portico-facts-'))
  const geoFile = join(dir, 'countries.mmdb')
  await writeFile(geoFile, mmdb({ '203.0.113.0/24': inCountry('PT'), '198.51.100.0/24': inCountry('BR') }))
  ledger = await startLedger()
  evaluator = await startEvaluator(async () => {
    const certs = await fetch(`${proxied.url}/cdn-cgi/access/certs`)
    return ((await certs.json()) as { keys: object[] }).keys
  })
  const allowed = parsePlace(evaluator.place)
  const clientCertificate = { header: 'x-client-cn', form: 'common_name' as const }
  const config = { geoFile, clientCertificate, allowedEvaluators: allowed === null ? [] : [allowed] }
  proxied = await startTestPortal({ config: { ...config, trustedProxies: ['127.0.0.1/32'] } })
  direct = await startTestPortal({ config: { ...config, trustedProxies: ['10.0.0.0/8'] } })
  for (const portal of [proxied, direct]) await portal.furnish([{ id: 'ledger', url: ledger.url }])
})
afterAll(async () => {
  await proxied?.close()
  await direct?.close()
  await evaluator?.close()
  await ledger?.stop()
  await rm(dir, { recursive: true, force: true })
})

async function must<T>(portal: TestPortal, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body.errors)}`)
  return answer.body.result
}

interface Rule {
  decision?: string
  include?: object[]
  require?: object[]
  exclude?: object[]
}

/** Puts these before the server, in this order. */
async function guard(portal: TestPortal, ...rules: Rule[]): Promise<void> {
  const ids: string[] = []
  for (const rule of rules) {
    const policy = { name: 'A rule', decision: 'allow', include: [{ everyone: {} }], ...rule }
    ids.push((await must<{ id: string }>(portal, 'POST', '/access/policies', policy)).id)
  }
  await must(portal, 'PUT', `${SERVERS}/ledger`, { policies: ids })
}

let count = 0
/** @returns whether the call passed; where it did not, it looked like an unknown name and nothing was reached */
async function passes(portal: TestPortal, headers: Record<string, string> = {}, email = 'ada@acme.test') {
  const token = await portal.userToken(email)
  const caller = { credentials: { ...headers, authorization: `Bearer ${token}` } }
  const entry = `entry ${count++}`
  const before = ledger.requests
  const call = (name: string) => ask2026(`${portal.url}/mcp`, caller, 'tools/call', { name, arguments: { entry } })
  const answer = await call('ledger_post')
  if (ledger.posted.includes(entry)) return true
  const unknown = await call('ledger_none')
  expect(answer.text.replaceAll('ledger_post', '')).toBe(unknown.text.replaceAll('ledger_none', ''))
  expect(ledger.requests).toBe(before)
  expect(messageOf(answer).error).toBeDefined()
  return false
}

const FROM_PT = { 'x-forwarded-for': '203.0.113.9' }
const FROM_BR = { 'x-forwarded-for': '198.51.100.9' }
const FROM_NOWHERE = { 'x-forwarded-for': '192.0.2.9' }
const IN_PT = { geo: { country_code: 'PT' } }
const LAPTOP = { common_name: { common_name: 'laptop' } }

// [GEO-1]
describe('a rule about countries', () => {
  test('lets in who comes from there by the word of the proxy', async () => {
    await guard(proxied, { require: [IN_PT] })
    expect(await passes(proxied, FROM_PT)).toBe(true)
    expect(await passes(proxied, FROM_BR)).toBe(false)
    expect(await passes(proxied, FROM_NOWHERE)).toBe(false)
  })

  test('counts against whose country is not known', async () => {
    await guard(proxied, { exclude: [IN_PT] })
    expect(await passes(proxied, FROM_BR)).toBe(true)
    expect(await passes(proxied, FROM_PT)).toBe(false)
    expect(await passes(proxied, FROM_NOWHERE)).toBe(false)
    await guard(proxied, { decision: 'deny', include: [IN_PT] }, {})
    expect(await passes(proxied, FROM_BR)).toBe(true)
    expect(await passes(proxied, FROM_NOWHERE)).toBe(false)
  })

  // [CERT-1]
  test('does not hear who says so of themselves', async () => {
    await guard(direct, { require: [IN_PT] })
    for (const spoofed of [FROM_PT, { 'x-forwarded-for': '10.0.0.1, 203.0.113.9' }, { forwarded: 'for=203.0.113.9' }])
      expect(await passes(direct, spoofed)).toBe(false)
    await guard(direct, { require: [{ ip: { ip: '203.0.113.0/24' } }] })
    expect(await passes(direct, FROM_PT)).toBe(false)
    await guard(direct, { require: [{ ip: { ip: '127.0.0.1/32' } }] })
    expect(await passes(direct, FROM_PT)).toBe(true)
  })
})

// [CERT-1]
describe('a rule about certificates', () => {
  test('hears the proxy, and nobody else', async () => {
    for (const portal of [proxied, direct]) await guard(portal, { require: [LAPTOP] })
    const shown = { ...FROM_PT, 'x-client-cn': 'laptop' }
    expect(await passes(proxied, shown)).toBe(true)
    expect(await passes(proxied, { ...shown, 'x-client-cn': 'phone' })).toBe(false)
    expect(await passes(proxied, FROM_PT)).toBe(false)
    expect(await passes(direct, shown)).toBe(false)
  })

  test('counts against whose certificate nobody vouches for', async () => {
    const rules: [Rule, Rule] = [{ decision: 'deny', include: [{ certificate: {} }] }, {}]
    for (const portal of [proxied, direct]) await guard(portal, ...rules)
    expect(await passes(proxied, FROM_PT)).toBe(true)
    expect(await passes(proxied, { ...FROM_PT, 'x-client-cn': 'laptop' })).toBe(false)
    expect(await passes(direct)).toBe(false)
  })
})

// [EXT-1]
describe('a rule that asks an external evaluator', () => {
  const asks = () => ({
    external_evaluation: { evaluate_url: evaluator.question.evaluateUrl, keys_url: evaluator.question.keysUrl },
  })

  test('does as it says, of this caller from this place', async () => {
    await guard(proxied, { require: [asks()] })
    evaluator.behave({
      decide: ({ claims: { identity } }) =>
        identity?.email === 'ada@acme.test' && (identity.geo as { country: string }).country === 'PT',
    })
    expect(await passes(proxied, FROM_PT)).toBe(true)
    expect(await passes(proxied, FROM_PT, 'bob@acme.test')).toBe(false)
    expect(await passes(proxied, FROM_BR)).toBe(false)
    expect(await passes(proxied, FROM_PT)).toBe(true)
  })

  // [EXT-3]
  test('is closed where it is down, and a deny by it bites', async () => {
    evaluator.behave({ answer: (_, response) => response.destroy() })
    await guard(proxied, { require: [asks()] })
    expect(await passes(proxied, FROM_PT, 'carol@acme.test')).toBe(false)
    await guard(proxied, { decision: 'deny', include: [asks()] }, {})
    expect(await passes(proxied, FROM_PT, 'dan@acme.test')).toBe(false)
    await guard(proxied, { exclude: [asks()] })
    expect(await passes(proxied, FROM_PT, 'erin@acme.test')).toBe(false)
    evaluator.behave({ decide: () => false })
    expect(await passes(proxied, FROM_PT, 'frank@acme.test')).toBe(true)
  })

  // [EXPLAIN-5]
  test('is told nothing of somebody who did not come, unless whoever explains says so', async () => {
    await guard(proxied, { require: [asks()] })
    evaluator.behave({ decide: () => true })
    const before = evaluator.asked.length
    const explain = (more: object) =>
      must<{ verdict: string; unknown: string[] }>(proxied, 'POST', '/access/policy-explanations', {
        ...{ claims: { email: 'grete@acme.test' }, capability: 'ledger_post', ip: '203.0.113.9' },
        ...more,
      })
    const quiet = await explain({})
    expect(quiet).toMatchObject({ verdict: 'depends', unknown: [expect.stringContaining('was not asked')] })
    expect(evaluator.asked).toHaveLength(before)
    expect((await explain({ ask_evaluators: true })).verdict).toBe('allowed')
    expect(evaluator.asked).toHaveLength(before + 1)
  })
})
