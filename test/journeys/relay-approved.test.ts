/** What was agreed to once is done once, also where the server asks in the midst of it and the call waits there. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AskingServer, asks, startAsking } from '../asking-server.ts'
import { APPROVAL, type DemandRoom, giveWord, openDemandRoom } from '../demand-room.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { answering, MCP, type Tried, type Trying, tryOnce } from '../relay-room.ts'

const CALL = { name: 'desk_echo', arguments: {} }

let room: DemandRoom
let desk: AskingServer
let grace: RawCaller
let asked = 0

beforeAll(async () => {
  desk = await startAsking((call) => {
    const id = `q${++asked}`
    call.say(asks(id))
    void desk.toldOf(id).then(() => call.answer('paid'))
  })
  room = await openDemandRoom()
  const guard = await room.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Desk', decision: 'allow', include: [{ everyone: {} }], capabilities: [{ servers: ['desk'] }] },
    ...APPROVAL,
  })
  await room.api('POST', `${MCP}/servers`, {
    ...{ id: 'desk', name: 'Desk', hostname: desk.url, auth_type: 'unauthenticated', policies: [guard.id] },
  })
  await room.api('POST', `${MCP}/servers/desk/sync`)
  await room.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'desk' }] })
  grace = bearer(await room.home.portal.userToken('grace@acme.test'))
})
afterAll(async () => {
  await room?.close()
  await desk?.http.close()
})

const at = (how: Trying = {}) => tryOnce(`${room.url}/mcp`, grace, CALL, how)
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
