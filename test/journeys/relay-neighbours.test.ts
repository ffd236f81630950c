/**
 * Two people on one pipe (stdio, HTTP+SSE): a server's questions and log lines there name no call. While both have calls under way,
 * nobody is asked, and nobody hears what may be the other's; who is alone is asked.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { askingChild, startAskingSse } from '../asking-child.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, type RawCaller } from '../raw-mcp.ts'
import { ASKABLE, answering, rowsOf, tryOnce } from '../relay-room.ts'

let portal: TestPortal
let sse: Awaited<ReturnType<typeof startAskingSse>>
let ann: RawCaller
let bob: RawCaller

beforeAll(async () => {
  sse = await startAskingSse()
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'pipe', stdio: askingChild() },
    { id: 'sse', url: sse.url },
  ])
  ann = bearer(await portal.userToken('ann@acme.test'))
  bob = bearer(await portal.userToken('bob@acme.test'))
})
afterAll(async () => {
  await portal?.close()
  await sse?.close()
})

const url = () => `${portal.url}/mcp`

/** A call whose whole stream counts: with log lines and progress. */
function listening(who: RawCaller, name: string, marker: string) {
  const _meta = {
    'io.modelcontextprotocol/clientCapabilities': ASKABLE,
    ...{ 'io.modelcontextprotocol/logLevel': 'debug', progressToken: `of ${marker}` },
  }
  return ask2026(url(), who, 'tools/call', { name, arguments: { who: marker }, _meta })
}

describe.each(['pipe', 'sse'])('over %s', (server) => {
  const toldOf = async () => {
    const { text } = await tryOnce(url(), bob, { name: `${server}_told`, arguments: {} })
    return (JSON.parse(text) as string[]).filter((method) => method === 'tools/call').length
  }
  const go = () => tryOnce(url(), bob, { name: `${server}_go`, arguments: {} })

  // [RELAY-7] [RELAY-6]
  test('a question is declined while two people are there, and neither hears a line of the other', async () => {
    const before = await toldOf()
    const waiting = listening(ann, `${server}_wait`, 'ANN')
    // The call to look counts too, each time.
    let looks = 0
    await expect.poll(async () => (await toldOf()) - before - ++looks, { timeout: 20_000 }).toBe(1)
    const bobs = await listening(bob, `${server}_ask`, 'BOB')
    expect(bobs.text).toContain('BOB {\\"action\\":\\"decline\\"}')
    expect(bobs.text).not.toContain('ANN')
    expect(bobs.text).not.toContain('a line about')
    expect(bobs.text).toContain('a step for BOB')
    await go()
    const anns = await waiting
    expect(anns.text).toContain('waited for ANN')
    expect(anns.text).not.toContain('BOB')
    expect(anns.text).toContain('a step for ANN')
    const rows = (await rowsOf(portal, 'elicitation/create', 20)).filter((row) => row.server === server)
    const calls = await rowsOf(portal, 'tools/call', 20)
    const callOf = ({ parent }: AuditRow) => calls.find(({ deed }) => deed === parent)
    const passedOver = { outcome: 'refused', decision: 'deny', error: 'not-alone' }
    // One for each call that it may have been of, and none for those that were over, or could be asked nothing.
    expect(rows).toMatchObject([passedOver, passedOver])
    expect(rows.map((row) => [row.actor.label, callOf(row)?.capability, callOf(row)?.actor.label]).sort()).toEqual([
      ['ann@acme.test', `${server}_wait`, 'ann@acme.test'],
      ['bob@acme.test', `${server}_ask`, 'bob@acme.test'],
    ])
    expect(JSON.stringify(rows)).not.toMatch(/Who is|ANN|BOB/)
  })

  // [RELAY-1]
  test('who is alone there is asked, and hears its own lines', async () => {
    const anns = await listening(ann, `${server}_ask`, 'ANN')
    expect(anns.text).toContain('a line about ANN')
    const { result } = messageOf(anns)
    const asked = result?.inputRequests as Parameters<typeof answering>[0]['asked']
    expect(Object.values(asked).map(({ params }) => params.message)).toEqual([`${server} asks: Who is ANN?`])
    // Another one who comes meanwhile changes nothing: the question is put already, and its answer is Ann's.
    expect((await tryOnce(url(), bob, { name: `${server}_told`, arguments: {} })).error).toBeNull()
    const back = { state: result?.requestState, responses: answering({ asked } as Parameters<typeof answering>[0]) }
    const params = { name: `${server}_ask`, arguments: { who: 'ANN' } }
    expect((await tryOnce(url(), ann, params, back)).text).toContain('"name":"Ann"')
  })

  // [RELAY-7]
  test('nor is anybody asked while a call of somebody else waits there for its person', async () => {
    const params = { name: `${server}_ask`, arguments: { who: 'ANN' } }
    const first = await tryOnce(url(), ann, params)
    expect(Object.keys(first.asked)).toHaveLength(1)
    const bobs = await tryOnce(url(), bob, { name: `${server}_ask`, arguments: { who: 'BOB' } })
    expect(bobs.asked).toEqual({})
    expect(bobs.text).toContain('"action":"decline"')
    expect((await tryOnce(url(), ann, params, { state: first.state, responses: answering(first) })).text).toContain(
      'Ann',
    )
  })
})
