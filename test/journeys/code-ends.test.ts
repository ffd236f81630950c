/**
 * How runs of code come to an end that nobody wrote: clients that leave, processes that die, portals that have no code mode or cannot run
 * code; and what the audit has of a run.
 */
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AskingServer, type Call, startAsking } from '../asking-server.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller } from '../raw-mcp.ts'
import { MCP, must, rowsOf } from '../relay-room.ts'

const CODE = '?codemode=search_and_execute'
const RUN = { name: 'portal_codemode_execute', arguments: { code: 'codemode.desk_echo({ id: 1 })' } }

let portal: TestPortal
let desk: AskingServer
let onCall: (call: Call) => void
let ada: RawCaller

beforeAll(async () => {
  desk = await startAsking((call) => onCall(call))
  portal = await startTestPortal()
  await portal.furnish([{ id: 'desk', url: desk.url }])
  ada = bearer(await portal.userToken('ada@acme.test'))
})
afterAll(async () => {
  await portal?.close()
  await desk?.http.close()
})

const ask = (params: Record<string, unknown>, query = CODE, signal?: AbortSignal) =>
  ask2026(`${portal.url}/mcp${query}`, ada, 'tools/call', params, 1, signal)
const cancelled = () => desk.http.asked('notifications/cancelled').length
const lastRun = async () => (await rowsOf(portal, 'tools/call', 20)).find(({ capability }) => capability === RUN.name)

async function textOf(params: Record<string, unknown>, query = CODE): Promise<string> {
  const { result, error } = messageOf(await ask(params, query))
  return error?.message ?? ((result?.content ?? []) as { text: string }[]).map(({ text }) => text).join()
}

/** Resolves when so many calls have arrived, which wait. */
function arrivals(count: number): { all: Promise<readonly Call[]> } {
  const calls: Call[] = []
  const { promise, resolve } = Promise.withResolvers<readonly Call[]>()
  onCall = (call) => {
    calls.push(call)
    if (calls.length === count) resolve(calls)
  }
  return { all: promise }
}

describe('a client that leaves', () => {
  // [CODE-4]
  test('by closing its request, in 2026, ends the run and what it called', async () => {
    const before = cancelled()
    const arrived = arrivals(2)
    const leaving = new AbortController()
    const code = 'async () => Promise.all([codemode.desk_echo({}), codemode.desk_echo({})])'
    const failed = expect(ask({ ...RUN, arguments: { code } }, CODE, leaving.signal)).rejects.toThrow()
    await arrived.all
    leaving.abort()
    await failed
    await expect.poll(cancelled).toBe(before + 2)
    await expect.poll(async () => (await lastRun())?.error).toBe('code-cancelled')
  })

  // [CODE-4]
  test('by its word, in 2025, ends the run and what it called, whatever the code would do about it', async () => {
    const before = cancelled()
    const arrived = arrivals(1)
    const session = await open2025(`${portal.url}/mcp${CODE}`, ada)
    const code = 'async () => { for (;;) try { await codemode.desk_echo({}) } catch {} }'
    const answer = session.ask('tools/call', { ...RUN, arguments: { code } }, 7)
    await arrived.all
    await session.notify('notifications/cancelled', { requestId: 7 })
    await expect.poll(cancelled).toBe(before + 1)
    await answer
    expect(await lastRun()).toMatchObject({ error: 'code-cancelled' })
  })
})

/** The processes that this one started for runs. */
function cages(): number[] {
  const path = `/proc/${process.pid}/task/${process.pid}/children`
  const pids = readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  return pids.filter((pid) => /portico-sandbox|takeRun/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')))
}

// [CODE-5]
test('a process that is killed in the midst of a run fails that run in words, and no other', async () => {
  const others = new Set(cages())
  const sandbox = { processes: 2, jit: true, wall: 'auto' as const, path: process.env.PATH ?? '' }
  const own = await startTestPortal({ config: { sandbox } })
  try {
    await own.furnish([{ id: 'desk', url: desk.url }])
    // Two people: one alone never has the last place.
    const [one, other] = [await own.userToken('ada@acme.test'), await own.userToken('bob@acme.test')]
    const run = async (token: string) => (await ask2026(`${own.url}/mcp${CODE}`, bearer(token), 'tools/call', RUN)).text
    const arrived = arrivals(2)
    const running = Promise.all([run(one), run(other)])
    const calls = await arrived.all
    const mine = cages().filter((pid) => !others.has(pid))
    expect(mine).toHaveLength(2)
    const [victim] = mine
    // Never process 0, which would be all that runs these tests.
    if (victim === undefined) throw new Error('there is no process of the sandbox')
    process.kill(victim, 'SIGKILL')
    const lost = async () => (await rowsOf(own, 'tools/call', 9)).map(({ error }) => error)
    await expect.poll(lost).toContain('code-lost')
    for (const call of calls) call.answer('still here')
    const texts = (await running).map((text) => /The process that ran the code ended|still here/.exec(text)?.[0])
    expect(texts.sort()).toEqual(['The process that ran the code ended', 'still here'])
    onCall = (call) => call.answer('and the next')
    expect(await run(one)).toContain('and the next')
  } finally {
    await own.close()
  }
})

// [CODE-5]
test('a portal that cannot run code says so, in each of its tools, and finds tools by words all the same', async () => {
  const sandbox = { processes: 0, jit: true, wall: 'auto' as const, path: '' }
  const other = await startTestPortal({ config: { sandbox } })
  try {
    await other.furnish([{ id: 'desk', url: desk.url }])
    const caller = bearer(await other.userToken('ada@acme.test'))
    const said = async (name: string, args: Record<string, unknown>) =>
      (await ask2026(`${other.url}/mcp${CODE}`, caller, 'tools/call', { name, arguments: args })).text
    const words = 'This portal cannot run code: Running code is switched off here'
    expect(await said('portal_codemode_execute', RUN.arguments)).toContain(words)
    expect(await said('portal_codemode_search', { code: 'async () => 1' })).toContain(words)
    expect(await said('portal_codemode_search', { query: 'echo' })).toContain('desk_echo(')
  } finally {
    await other.close()
  }
})

// [CODE-5]
test('a portal without code mode knows none of its tools, whatever the URL says; one that enforces it knows no other', async () => {
  onCall = (call) => call.answer('ran')
  const set = (code_mode: string) => must(portal, 'PUT', `${MCP}/portals/default`, { code_mode })
  try {
    for (const name of ['portal_codemode_execute', 'portal_codemode_search']) {
      await set('off')
      expect(await textOf({ ...RUN, name })).toBe(`Unknown tool: ${name}`)
      await set('opt_in')
      expect(await textOf({ ...RUN, name }, '')).toBe(`Unknown tool: ${name}`)
      await set('default_on')
      expect(await textOf({ ...RUN, name }, '?codemode=off')).toBe(`Unknown tool: ${name}`)
    }
    await set('enforced')
    for (const query of ['', '?codemode=off', '?codemode=false', '?optimize_context=minimize_tools'])
      expect(await textOf(RUN, query), query).toBe('ran')
  } finally {
    await set('opt_in')
  }
})

// [CODE-1]
test('the audit tells how a run ended and what was part of it, and holds none of its code', async () => {
  onCall = (call) => call.answer('x')
  const [mark, code] = ['marker-4711', (rest: string) => `async () => { /* marker-4711 */ ${rest} }`]
  const ends: [string, string | null][] = [
    ['await codemode.desk_echo({ secret: "marker-4711" }); return 1', null],
    ['throw new Error("marker-4711")', 'code-threw'],
    ['for (;;) await codemode.desk_echo({})', 'code-calls'],
  ]
  for (const [rest, error] of ends) {
    await ask({ ...RUN, arguments: { code: code(rest) } })
    const rows = await rowsOf(portal, 'tools/call', 300)
    const run = rows.find(({ capability }) => capability === RUN.name)
    expect(run?.error ?? null).toBe(error)
    const parts = rows.filter(({ parent }) => parent === run?.deed).map(({ capability }) => capability)
    expect(parts.length > 0).toBe(error !== 'code-threw')
    expect(new Set(parts).size).toBeLessThanOrEqual(1)
    expect(JSON.stringify(rows)).not.toContain(mark)
  }
  const journal = join(portal.data, 'journal')
  const files = await readdir(journal, { recursive: true, withFileTypes: true })
  for (const file of files.filter((one) => one.isFile()))
    expect((await readFile(join(file.parentPath, file.name))).includes(mark), file.name).toBe(false)
})
