/** Two servers that call what they have alike: who subscribed to the one's hears of the one's, by the URI under which it is shown. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { messageOf } from '../raw-mcp.ts'
import { startWatchedServer, type WatchedServer } from '../watched-server.ts'
import { type Listener, listen2026, type Session2025, session2025 } from '../watching.ts'

const MCP = '/access/ai-controls/mcp'
const ONE = 'watched://book/one'
const PAGE = 'watched://book/one/page/7'
const NOTE = 'watched://note/a'
const PATIENCE = { timeout: 10_000, interval: 20 }

let portal: TestPortal
let everybody: string
let token: string
let people = 0
const open: { stream: { close(): void } }[] = []

const opened = <T extends Listener | Session2025>(one: T): T => {
  open.push(one)
  return one
}
async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}
const policy = async (body: Record<string, unknown>) =>
  (await must<{ id: string }>('POST', '/access/policies', { include: [{ everyone: {} }], ...body })).id
const decide = (...policies: string[]) => must('PUT', `${MCP}/portals/default`, { policies })
const denied = (server: string, name: string) =>
  policy({ name: 'No', decision: 'deny', capabilities: [{ servers: [server], names: [name] }] })

beforeAll(async () => {
  portal = await startTestPortal()
  everybody = await policy({ name: 'Everybody', decision: 'allow' })
})
afterAll(() => portal?.close())

describe.each([
  ['modern', 'plain'],
  ['legacy', 'plain'],
  ['modern', 'wrapped'],
  ['legacy', 'wrapped'],
] as const)('at servers that are %s, the second one %s', (era, uris) => {
  let first: WatchedServer
  let second: WatchedServer
  const [FIRST, SECOND] = [`first-${era}-${uris}`, `second-${era}-${uris}`]
  const shown = (uri: string) => `portico:${SECOND}:${uri}`

  beforeAll(async () => {
    first = await startWatchedServer(era)
    second = await startWatchedServer(era)
    await portal.furnish([
      { id: FIRST, url: first.url },
      { id: SECOND, url: second.url },
    ])
    await must('PUT', `${MCP}/servers/${SECOND}`, { resources: { uris } })
  })
  beforeEach(async () => {
    await decide(everybody)
    token = await portal.userToken(`person-${people++}@acme.test`)
  })
  afterEach(async () => {
    for (const { stream } of open.splice(0)) stream.close()
    // Who is gone is followed for nobody.
    for (const server of [first, second]) await expect.poll(() => server.listened(), PATIENCE).toEqual([])
  })
  afterAll(() => Promise.all([first, second].map((server) => server?.stop())))

  async function watchers(...wanted: string[]) {
    const ada = opened(await session2025(`${portal.url}/mcp`, token))
    for (const uri of wanted) expect(messageOf(await ada.ask('resources/subscribe', { uri })).result).toEqual({})
    const bob = opened(await listen2026(`${portal.url}/mcp`, token, wanted))
    expect(bob.acknowledged()).toEqual(wanted)
    return { ada, both: [ada, bob] as const }
  }
  const untilTold = (both: readonly (Listener | Session2025)[], times: number) =>
    Promise.all(both.map((one) => one.untilTold(times)))

  // [URI-5]
  test('each change is told by the name of the one that changed, and its server is asked by its own', async () => {
    const { ada, both } = await watchers(ONE, shown(ONE), shown(NOTE))
    expect(new Set(first.listened())).toEqual(new Set([ONE]))
    expect(new Set(second.listened())).toEqual(new Set([ONE, NOTE]))
    second.change(ONE)
    await untilTold(both, 1)
    first.change(ONE)
    await untilTold(both, 2)
    second.change(NOTE)
    await untilTold(both, 3)
    // Both at once are two things, though they are called the same.
    for (const server of [first, second]) server.change(ONE)
    await untilTold(both, 5)
    for (const one of both) {
      expect(one.told().slice(0, 3)).toEqual([shown(ONE), ONE, shown(NOTE)])
      expect(one.told().slice(3).toSorted()).toEqual([shown(ONE), ONE].toSorted())
    }
    expect(messageOf(await ada.ask('resources/unsubscribe', { uri: shown(ONE) })).result).toEqual({})
    second.change(ONE)
    first.change(ONE)
    await untilTold(both, 6)
    expect(ada.told().slice(5)).toEqual([ONE])
  })

  // The SDK's servers of 2026 tell of nothing but what was listened to.
  if (era === 'legacy')
    // [URI-5]
    test('what is below it is told by the name under which it is shown, to who may read that as well', async () => {
      const { both } = await watchers(shown(ONE))
      second.change(PAGE, ONE)
      await untilTold(both, 1)
      await decide(await denied(SECOND, PAGE), everybody)
      second.change(PAGE, ONE)
      await untilTold(both, 2)
      for (const one of both) expect(one.told()).toEqual([shown(PAGE), shown(ONE)])
    })

  // [URI-5]
  test('a deny of it ends what was followed at its server, and nothing else', async () => {
    const { both } = await watchers(ONE, shown(ONE))
    await decide(await denied(SECOND, ONE), everybody)
    await expect.poll(() => second.listened(), PATIENCE).toEqual([])
    for (const server of [second, first]) server.change(ONE)
    await untilTold(both, 1)
    await decide(await denied(FIRST, ONE), everybody)
    await expect.poll(() => [first.listened(), new Set(second.listened())], PATIENCE).toEqual([[], new Set([ONE])])
    second.change(ONE)
    await untilTold(both, 2)
    for (const one of both) expect(one.told()).toEqual([ONE, shown(ONE)])
  })
})
