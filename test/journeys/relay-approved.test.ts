/** What was agreed to once is done once, also where the server asks in the midst of it and the call waits there. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AskingServer, asks, startAsking } from '../asking-server.ts'
import { APPROVAL, type DemandRoom, giveWord, openDemandRoom } from '../demand-room.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { answering, MCP, type Tried, type Trying, tryOnce } from '../relay-room.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const CALL = { name: 'desk_echo', arguments: {} }

let room: DemandRoom
let desk: AskingServer
let till: ScriptedServer
let grace: RawCaller
let asked = 0

beforeAll(async () => {
  desk = await startAsking((call) => {
    const id = `q${++asked}`
    call.say(asks(id))
    void desk.toldOf(id).then(() => call.answer('paid'))
  })
  // One of 2026: it ends its first answer with the question, and is called again.
  till = await startScripted(
    modern((seen, response) => {
      const form = { message: 'Which one?', requestedSchema: { type: 'object', properties: {} } }
      const asks = { inputRequests: { which: { method: 'elicitation/create', params: form } }, requestState: 'mine' }
      const isAnswered = seen.body.params?.inputResponses !== undefined
      const paid = { resultType: 'complete', content: [{ type: 'text', text: 'paid' }] }
      json(response, result(seen, isAnswered ? paid : { resultType: 'input_required', ...asks }))
    }),
  )
  room = await openDemandRoom()
  const guard = await room.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Desk', decision: 'allow', include: [{ everyone: {} }], capabilities: [{ servers: ['desk', 'till'] }] },
    ...APPROVAL,
  })
  const places = { desk: desk.url, till: `${till.origin}/mcp` }
  for (const [id, hostname] of Object.entries(places)) {
    await room.api('POST', `${MCP}/servers`, {
      ...{ id, name: id, hostname, auth_type: 'unauthenticated', policies: [guard.id] },
    })
    await room.api('POST', `${MCP}/servers/${id}/sync`)
  }
  await room.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'desk' }, { server_id: 'till' }] })
  grace = bearer(await room.home.portal.userToken('grace@acme.test'))
})
afterAll(async () => {
  await room?.close()
  await Promise.all([desk?.http.close(), till?.close()])
})

const at = (how: Trying = {}, name = 'desk_echo') => tryOnce(`${room.url}/mcp`, grace, { ...CALL, name }, how)
const isPage = ({ asked }: Tried) => Object.values(asked).some(({ params }) => params.mode === 'url')

// [APPROVE-1]
test('of two calls that one approval was given to, one is made; it goes on after its question without another', async () => {
  const first = await at()
  expect(isPage(first)).toBe(true)
  const link = Object.values(first.asked)[0]?.params.url
  await giveWord(room.ada, String(link), 'approve')
  const waiting = await at({ state: first.state, responses: answering(first, { action: 'accept' }) })
  expect(Object.values(waiting.asked).map(({ params }) => params.mode)).toEqual(['form'])
  expect(desk.http.asked('tools/call')).toHaveLength(1)
  // The approval is that call's, which is at its server.
  const second = await at()
  expect(isPage(second)).toBe(true)
  expect(desk.http.asked('tools/call')).toHaveLength(1)
  const done = await at({ state: waiting.state, responses: answering(waiting) })
  expect(done).toMatchObject({ error: null, isError: false, text: 'paid', asked: {} })
  expect(isPage(await at())).toBe(true)
  expect(desk.http.asked('tools/call')).toHaveLength(1)
})

// [APPROVE-1]
test('a server of 2026 that asks in the midst is reached by one of two calls as well', async () => {
  const here = (how: Trying = {}) => at(how, 'till_echo')
  const calls = () => till.asked('tools/call').length
  const first = await here()
  await giveWord(room.ada, String(Object.values(first.asked)[0]?.params.url), 'approve')
  const waiting = await here({ state: first.state, responses: answering(first, { action: 'accept' }) })
  expect(Object.values(waiting.asked).map(({ params }) => params.mode)).toEqual(['form'])
  expect(calls()).toBe(1)
  expect(isPage(await here())).toBe(true)
  expect(calls()).toBe(1)
  const goesOn = { state: waiting.state, responses: answering(waiting) }
  expect(await here(goesOn)).toMatchObject({ error: null, isError: false, text: 'paid', asked: {} })
  expect((await here(goesOn)).error).not.toBeNull()
  expect(calls()).toBe(2)
})
