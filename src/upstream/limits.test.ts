/** How much one server may be given to do at one time, over each transport that can be scripted. */
import { afterEach, describe, expect, test } from 'vitest'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  startScripted,
} from '../../test/scripted-server.ts'
import { openRoom, type Room } from '../../test/upstream-room.ts'

let room: Room
let server: ScriptedServer
afterEach(async () => {
  await room?.close()
  await server?.close()
})

const ERAS: [string, (calls: Script) => Script][] = [
  ['2025', legacy],
  ['2026', modern],
]

describe.each(ERAS)('a server of %s', (_, era) => {
  test('a connection that has as many calls in flight as it may takes no more until one ends', async () => {
    const held: (() => void)[] = []
    let arrived = () => {}
    const bothArrived = new Promise<void>((resolve) => {
      arrived = () => held.length === 2 && resolve()
    })
    server = await startScripted(
      era((seen, response) => {
        if (seen.body.method !== 'tools/call') return void response.writeHead(405).end()
        held.push(() => json(response, result(seen, { resultType: 'complete', content: [] })))
        arrived()
      }),
    )
    room = await openRoom({ limits: { inFlight: 2 } })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const two = [room.tool(uid, 'echo', {}), room.tool(uid, 'echo', {})]
    await bothArrived
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-busy' })
    expect(server.asked('tools/call')).toHaveLength(2)
    for (const answer of held) answer()
    await Promise.all(two)
    const third = room.tool(uid, 'echo', {})
    await expect.poll(() => held.length).toBe(3)
    held[2]?.()
    await third
  })
})
