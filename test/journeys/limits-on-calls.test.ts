/** Limits on calls over real HTTP: whatever way a call comes, it counts; who reached one is told, and the server hears of nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, type RawCaller, send } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { startWitness, type Witness } from '../support/witness.ts'

const MCP = '/access/ai-controls/mcp'

let portal: TestPortal
let alpha: Witness
let beta: Witness
let slow: ScriptedServer
/** Calls that wait at the slow server, and what lets each of them go. */
const waiting: (() => void)[] = []
let people = 0

beforeAll(async () => {
  portal = await startTestPortal()
  ;[alpha, beta] = (await Promise.all(['alpha', 'beta'].map(startWitness))) as [Witness, Witness]
  slow = await startScripted(
    modern((seen, response) => {
      waiting.push(() => json(response, result(seen, { resultType: 'complete', content: [] })))
    }),
  )
  await portal.furnish([
    { id: 'alpha', url: alpha.url },
    { id: 'beta', url: beta.url },
    { id: 'slow', url: `${slow.origin}/mcp` },
  ])
  await must('PUT', `${MCP}/servers/alpha`, { updated_tools: [{ name: 'write', alias: 'put' }] })
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([alpha?.stop(), beta?.stop(), slow?.close()])
})
afterEach(async () => {
  for (const go of waiting.splice(0)) go()
  alpha.reached.splice(0)
  beta.reached.splice(0)
  for (const id of ['alpha', 'beta', 'slow']) await must('PUT', `${MCP}/servers/${id}`, { limits: [] })
  await must('PUT', `${MCP}/portals/default`, { limits: [] })
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

const limitServer = (id: string, ...limits: object[]) => must('PUT', `${MCP}/servers/${id}`, { limits })

/** Somebody of whom nothing was counted yet. */
const somebody = (): string => `person-${people++}@acme.test`
const tokenOf = async (email: string): Promise<RawCaller> => bearer(await portal.userToken(email))

const at = (path = '/mcp') => `${portal.url}${path}`
const call = (caller: RawCaller, name: string, path?: string) =>
  ask2026(at(path), caller, 'tools/call', { name, arguments: {} })
const textOf = (answer: RawAnswer): string => JSON.stringify(messageOf(answer).result ?? messageOf(answer).error)
const isLimited = (answer: RawAnswer): boolean => textOf(answer).includes('limit of')

async function rowsOf(capability: string): Promise<AuditRow[]> {
  const query = new URLSearchParams({ capability, limit: '50', phase: 'ended' })
  return must('GET', `${MCP}/logs?${query}`)
}

// [CALLS-1]
test('every way to one server is counted together for one person, whatever clients and tokens it has', async () => {
  await limitServer('alpha', { per: 'principal', calls: 9, window: '1h' })
  const email = somebody()
  const [one, other] = [await tokenOf(email), await tokenOf(email)]
  const session = await open2025(at(), one)
  const mount = await open2025(at('/p/default/s/alpha/mcp'), other)
  const passing: (() => Promise<RawAnswer>)[] = [
    () => call(one, 'alpha_list'),
    () => call(other, 'list'),
    () => call(one, 'alpha_put'),
    () => call(one, 'write', '/p/default/s/alpha/mcp'),
    () => session.ask('tools/call', { name: 'alpha_read', arguments: {} }),
    () => mount.ask('tools/call', { name: 'read', arguments: {} }),
    () => ask2026(at(), one, 'prompts/get', { name: 'alpha_brief', arguments: {} }),
    () => ask2026(at(), other, 'resources/read', { uri: 'alpha://open/one' }),
    () => {
      const ref = { type: 'ref/prompt', name: 'alpha_brief' }
      return ask2026(at(), one, 'completion/complete', { ref, argument: { name: 'about', value: 'a' } })
    },
  ]
  for (const pass of passing) expect(textOf(await pass())).not.toContain('limit of')
  expect(alpha.reached).toHaveLength(9)
  for (const pass of passing) expect(textOf(await pass())).toContain('The limit of this server is reached')
  expect(alpha.reached).toHaveLength(9)
  // Others have their own, and other servers are not meant.
  expect(isLimited(await call(await tokenOf(somebody()), 'alpha_list'))).toBe(false)
  expect(isLimited(await call(one, 'beta_list'))).toBe(false)
})

// [CALLS-1]
test('a thousand calls in batches come to as many as the limit, and each of the others is told', async () => {
  await limitServer('alpha', { per: 'principal', calls: 25, window: '1h' })
  const caller = await tokenOf(somebody())
  const session = await open2025(at(), caller, '2025-03-26')
  const member = (id: number) => {
    const name = ['alpha_list', 'list', 'alpha_put', 'write'][id % 4]
    return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } }
  }
  const batch = Array.from({ length: 20 }, (_, id) => member(id))
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(at(), batch, session.headers)))
  const members = answers.flatMap(({ text }) => JSON.parse(text) as { result: { isError?: boolean } }[])
  expect(members).toHaveLength(1000)
  expect(members.filter(({ result: { isError } }) => isError !== true)).toHaveLength(25)
  expect(alpha.reached).toHaveLength(25)
})

test('lists count for nothing', async () => {
  await limitServer('alpha', { per: 'principal', calls: 1, window: '1h' })
  const caller = await tokenOf(somebody())
  for (let n = 0; n < 5; n++)
    for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])
      expect(messageOf(await ask2026(at(), caller, method)).error).toBeUndefined()
  expect(isLimited(await call(caller, 'alpha_list'))).toBe(false)
})

// [CALLS-2]
test('who reached a limit is told which one and when to come back, and the audit has it', async () => {
  await limitServer('alpha', { per: 'principal', calls: 1, window: '1h' })
  const caller = await tokenOf(somebody())
  await call(caller, 'alpha_list')
  const answer = await call(caller, 'alpha_list')
  expect(messageOf(answer).result).toMatchObject({ isError: true, resultType: 'complete' })
  expect(textOf(answer)).toMatch(
    /The limit of this server is reached: 1 call in 1h for each caller\. Nothing was done\. Try again in 3[56]\d\d seconds\./,
  )
  expect(alpha.reached).toHaveLength(1)
  expect((await rowsOf('alpha_list'))[0]).toMatchObject({ outcome: 'refused', error: 'limited', server: 'alpha' })
  const limited = async () =>
    /^portico_calls_limited_total (\d+)$/m.exec(await (await fetch(at('/metrics'))).text())?.[1]
  const before = Number(await limited())
  expect(before).toBeGreaterThan(0)
  // What is no tool call has no result of its own to say it in.
  const prompt = await ask2026(at(), caller, 'prompts/get', { name: 'alpha_brief', arguments: {} })
  expect(messageOf(prompt).error?.message).toContain('The limit of this server is reached')
  expect(Number(await limited())).toBe(before + 1)
})

// [CALLS-2]
test('what a caller may not have never says that it is limited: forbidden and unknown stay the same bytes', async () => {
  const rule = { name: 'No wiping', decision: 'deny', include: [{ everyone: {} }], capabilities: [{ names: ['wipe'] }] }
  const { id } = await must<{ id: string }>('POST', '/access/policies', rule)
  const before = (await must<{ policies: { id: string }[] }>('GET', `${MCP}/portals/default`)).policies
  const policies = before.map((one) => (typeof one === 'string' ? one : one.id))
  await must('PUT', `${MCP}/portals/default`, { policies: [id, ...policies] })
  try {
    await limitServer('alpha', { per: 'principal', calls: 1, window: '1h' })
    const caller = await tokenOf(somebody())
    await call(caller, 'alpha_list')
    expect(isLimited(await call(caller, 'alpha_list'))).toBe(true)
    for (const params of [{}, { path: 3 }, { path: 'x'.repeat(5000) }]) {
      const ask = async (name: string) =>
        (await ask2026(at(), caller, 'tools/call', { name, arguments: params })).text.replaceAll(name, 'NAME')
      expect(await ask('alpha_wipe')).toBe(await ask('alpha_nope'))
    }
    expect((await rowsOf('alpha_wipe'))[0]).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
  } finally {
    await must('PUT', `${MCP}/portals/default`, { policies })
  }
})

describe('what a limit counts', () => {
  test('of tools that it names, each for itself and by whatever name; of others nothing', async () => {
    await limitServer('alpha', { per: 'principal', calls: 1, window: '1h', tools: ['write', 'read'] })
    const caller = await tokenOf(somebody())
    expect(isLimited(await call(caller, 'alpha_put'))).toBe(false)
    for (const name of ['alpha_put', 'write', 'alpha_put']) {
      expect(textOf(await call(caller, name))).toContain('The limit of this tool is reached')
    }
    expect(isLimited(await call(caller, 'alpha_read'))).toBe(false)
    expect(isLimited(await call(caller, 'alpha_list'))).toBe(false)
    expect(isLimited(await ask2026(at(), caller, 'prompts/get', { name: 'alpha_brief', arguments: {} }))).toBe(false)
  })

  test('for all callers together, service tokens among them', async () => {
    await limitServer('alpha', { per: 'all', calls: 2, window: '1h' })
    const { client_id, client_secret } = await portal.serviceToken('a robot')
    const robot = { credentials: { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret } }
    expect(isLimited(await call(await tokenOf(somebody()), 'alpha_list'))).toBe(false)
    expect(isLimited(await call(robot, 'alpha_list'))).toBe(false)
    expect(textOf(await call(await tokenOf(somebody()), 'alpha_list'))).toContain('for all callers together')
    expect(isLimited(await call(robot, 'alpha_list'))).toBe(true)
    expect(alpha.reached).toHaveLength(2)
  })

  test('of a portal whatever is called there, at any of its servers', async () => {
    await must('PUT', `${MCP}/portals/default`, { limits: [{ per: 'principal', calls: 2, window: '1h' }] })
    const caller = await tokenOf(somebody())
    await call(caller, 'alpha_list')
    await call(caller, 'beta_list')
    expect(textOf(await call(caller, 'beta_list'))).toContain('The limit of this portal is reached')
    expect([...alpha.reached, ...beta.reached]).toHaveLength(2)
  })

  test('a limit that is changed counts anew, and one that is taken away is gone with the next call', async () => {
    await limitServer('alpha', { per: 'principal', calls: 1, window: '1h' })
    const caller = await tokenOf(somebody())
    await call(caller, 'alpha_list')
    expect(isLimited(await call(caller, 'alpha_list'))).toBe(true)
    await limitServer('alpha', { per: 'principal', calls: 2, window: '1h' })
    expect(isLimited(await call(caller, 'alpha_list'))).toBe(false)
    await limitServer('alpha')
    for (let n = 0; n < 5; n++) expect(isLimited(await call(caller, 'alpha_list'))).toBe(false)
  })
})

// [CALLS-3]
test('as many calls are under way as the limit says, and one that is answered or given up makes room', async () => {
  await limitServer('slow', { per: 'principal', concurrency: 2 })
  const caller = await tokenOf(somebody())
  const gaveUp = new AbortController()
  const ask = (signal?: AbortSignal) =>
    ask2026(at(), caller, 'tools/call', { name: 'slow_echo', arguments: {} }, 1, signal)
  // One after the other, so that what is let go first below is the first's.
  const first = ask()
  await expect.poll(() => waiting.length).toBe(1)
  const second = ask(gaveUp.signal)
  second.catch(() => {})
  await expect.poll(() => waiting.length).toBe(2)
  const [third, fourth] = await Promise.all([ask(), ask()])
  for (const refused of [third, fourth])
    expect(textOf(refused)).toContain('2 calls at a time for each caller. Nothing was done. Try again in 1 second.')
  expect(waiting).toHaveLength(2)
  // Another person has two of its own.
  const other = call(await tokenOf(somebody()), 'slow_echo')
  await expect.poll(() => waiting.length).toBe(3)

  waiting.shift()?.()
  expect(isLimited(await first)).toBe(false)
  const fifth = ask()
  await expect.poll(() => waiting.length).toBe(3)
  expect(isLimited(await ask())).toBe(true)
  gaveUp.abort()
  const passes = async () => {
    const before = waiting.length
    let isAnswered = false
    ask().then(() => {
      isAnswered = true
    })
    await expect.poll(() => isAnswered || waiting.length > before).toBe(true)
    return waiting.length > before
  }
  await expect.poll(passes).toBe(true)
  for (const go of waiting.splice(0)) go()
  expect(isLimited(await fifth)).toBe(false)
  expect(isLimited(await other)).toBe(false)
})
