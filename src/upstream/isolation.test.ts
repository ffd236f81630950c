/** Who may share an upstream session: never two principals where a server is isolated by user, whatever the interleaving. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { json, legacy, result, type Script, type ScriptedServer, startScripted } from '../../test/scripted-server.ts'
import { openRoom, type Room, textOf } from '../../test/upstream-room.ts'

let room: Room
let server: ScriptedServer
/** Which callers each session was used by, as their arguments say. */
const users = new Map<string, Set<unknown>>()

/** Answers late and out of order, and says which session it was asked on. */
const owned: Script = (seen, response) => {
  if (seen.method !== 'POST') return void response.writeHead(405).end()
  const session = seen.headers['mcp-session-id'] ?? ''
  const { who, wait } = (seen.body.params?.arguments ?? {}) as { who?: string; wait?: number }
  // What the portal asks for itself is nobody's call.
  if (seen.body.method === 'tools/call') users.set(session, (users.get(session) ?? new Set()).add(who))
  setTimeout(() => json(response, result(seen, { content: [{ type: 'text', text: `${who} on ${session}` }] })), wait)
}

beforeAll(async () => {
  room = await openRoom()
  let sessions = 0
  server = await startScripted((seen, response, request) => {
    const headers = seen.body.method === 'initialize' ? { 'mcp-session-id': `s${++sessions}` } : {}
    legacy(owned, headers)(seen, response, request)
  })
})
afterAll(async () => {
  await room.close()
  await server.close()
})

test('interleaved callers each get their own answer, from a session of their own', async () => {
  const uid = await room.add('s', { url: `${server.origin}/mcp`, isolation: 'per_user' })
  const calls = fc.array(fc.record({ who: fc.constantFrom('ada', 'bob', 'cleo'), wait: fc.nat(5) }), {
    minLength: 1,
    maxLength: 60,
  })
  await fc.assert(
    fc.asyncProperty(calls, async (all) => {
      const answers = await Promise.all(all.map((call) => room.tool(uid, 'echo', call, { who: call.who })))
      expect(answers.map((one) => textOf(one).split(' ')[0])).toEqual(all.map((call) => call.who))
    }),
    { numRuns: 25 },
  )
  expect([...users.values()].every((names) => names.size === 1)).toBe(true)
  expect(users.size).toBe(3)
})
