/** Streams and sessions that end: HTTP+SSE endpoints, and real servers that are started again. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEverythingHttp, startEverythingSse } from '../../test/peers/servers.ts'
import { freePort } from '../../test/portico-process.ts'
import { startScripted } from '../../test/scripted-server.ts'
import { openRoom, type Room, textOf } from '../../test/upstream-room.ts'

let room: Room
beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 60_000 } })
})
afterEach(() => room.close())

test('an endpoint of another origin gets nothing, and the server is not used', async () => {
  const elsewhere = await startScripted((_seen, response) => void response.writeHead(202).end())
  const server = await startScripted((_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`event: endpoint\ndata: ${elsewhere.origin}/messages\n\n`)
  })
  const uid = await room.add('s', { url: `${server.origin}/sse`, authType: 'bearer', credential: 'sesame' })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'error' })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  expect(elsewhere.seen).toEqual([])
  await server.close()
  await elsewhere.close()
})

test('a stream that never names its endpoint is given up', async () => {
  await room.close()
  room = await openRoom({ limits: { openingMs: 500 } })
  const server = await startScripted((_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
  })
  const uid = await room.add('s', { url: `${server.origin}/sse` })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'error' })
  await server.close()
})

const restarts = { 'Streamable HTTP': startEverythingHttp, 'HTTP+SSE': startEverythingSse }
describe.each(Object.entries(restarts))('a real server over %s that is started again', (_name, start) => {
  // [HEAL-1]
  test('answers the next call, and the one made while it is away', async () => {
    const first = await start(await freePort())
    const uid = await room.add('s', { url: first.url })
    expect(textOf(await room.tool(uid, 'echo', { message: 'one' }))).toContain('one')
    await first.stop()
    const waiting = room.tool(uid, 'echo', { message: 'two' })
    const second = await start(first.port)
    expect(textOf(await waiting)).toContain('two')
    expect(textOf(await room.tool(uid, 'echo', { message: 'three' }))).toContain('three')
    await second.stop()
  })

  test('loses the call that was in flight, and says so', async () => {
    await room.close()
    room = await openRoom({ limits: { refusedMs: 1000 } })
    const first = await start()
    const uid = await room.add('s', { url: first.url })
    const heard = Promise.withResolvers<void>()
    const work = room.tool(
      uid,
      'trigger-long-running-operation',
      { duration: 20, steps: 100 },
      {
        progress: true,
        report: () => heard.resolve(),
      },
    )
    const outcome = work.catch((error: Error) => error)
    await heard.promise
    process.kill(first.pid, 'SIGKILL')
    await first.stop()
    expect(await outcome).toMatchObject({ code: 'upstream-lost' })
  })
})
