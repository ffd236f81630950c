/** An admin gives one server its own deadlines, on a portal that runs: its calls have them, and nobody else's. */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, type Seen, startScripted } from '../scripted-server.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

/** A server whose calls wait until the test answers them. */
interface Holding {
  server: ScriptedServer
  held: { seen: Seen; response: ServerResponse; isClosed: boolean }[]
}

let portal: TestPortal
let ada: string
const hurried = await hold()
const other = await hold()

async function hold(): Promise<Holding> {
  const held: Holding['held'] = []
  const server = await startScripted(
    modern((seen, response) => {
      const one = { seen, response, isClosed: false }
      response.on('close', () => {
        one.isClosed = true
      })
      held.push(one)
    }),
  )
  return { server, held }
}

beforeAll(async () => {
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'hurried', url: `${hurried.server.origin}/mcp` },
    { id: 'other', url: `${other.server.origin}/mcp` },
  ])
  ada = await portal.userToken('ada@acme.test')
})
afterAll(async () => {
  await portal?.close()
  for (const { server } of [hurried, other]) await server.close()
})

const give = (deadlines: unknown) => portal.api<{ deadlines: unknown }>('PUT', `${SERVERS}/hurried`, { deadlines })

async function call(id: string) {
  const answer = await ask2026(`${portal.url}/mcp`, bearer(ada), 'tools/call', { name: `${id}_echo`, arguments: {} })
  return JSON.stringify(messageOf(answer))
}

/** Calls, and waits until the call is there. */
async function begin(id: string, { held }: Holding): Promise<{ answer: Promise<string> }> {
  const before = held.length
  const answer = call(id)
  await expect.poll(() => held.length).toBe(before + 1)
  return { answer }
}

function answerLast({ held }: Holding): void {
  const last = held.at(-1)
  if (last === undefined) throw new Error('no call')
  json(last.response, result(last.seen, { resultType: 'complete', content: [{ type: 'text', text: 'at last' }] }))
}

test('deadlines that an admin sets hold from the next call on; what is in flight, and other servers, keep theirs', async () => {
  const old = await begin('hurried', hurried)
  expect((await give({ idle_seconds: 1 })).body.result.deadlines).toEqual({ idle_seconds: 1 })

  const beside = await begin('other', other)
  const { answer } = await begin('hurried', hurried)
  expect(await answer).toContain('took too long')
  await expect.poll(() => hurried.held.map(({ isClosed }) => isClosed)).toEqual([false, true])
  const query = new URLSearchParams({ capability: 'hurried_echo', limit: '1', phase: 'ended' })
  const [row] = (await portal.api<AuditRow[]>('GET', `/access/ai-controls/mcp/logs?${query}`)).body.result
  expect(row?.error).toBe('upstream-timeout')

  // Both of these began with the limits of all, and still have them.
  answerLast(other)
  expect(await beside.answer).toContain('at last')
  hurried.held.pop()
  answerLast(hurried)
  expect(await old.answer).toContain('at last')

  expect((await give(null)).body.result.deadlines).toBeNull()
  const unhurried = await begin('hurried', hurried)
  const witness = await begin('other', other)
  await give({ idle_seconds: 1 })
  const third = await begin('hurried', hurried)
  expect(await third.answer).toContain('took too long')
  hurried.held.pop()
  answerLast(hurried)
  answerLast(other)
  expect(await Promise.all([unhurried.answer, witness.answer])).toEqual([
    expect.stringContaining('at last'),
    expect.stringContaining('at last'),
  ])
})
