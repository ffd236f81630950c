/** Streams of 2025 servers that end before they are done, and are taken up where they ended. */
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  legacy,
  result,
  type Script,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../../test/scripted-server.ts'
import { openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import type { Notification } from '../protocol/model.ts'

let room: Room
const servers: ScriptedServer[] = []

beforeEach(async () => {
  room = await openRoom()
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

interface Resuming {
  /** The POST of a call. */
  onCall(seen: Seen, response: ServerResponse): void
  /** A GET that names an id; `call` is the last call. */
  onResume(id: string, response: ServerResponse, call: Seen): void
}

async function start({ onCall, onResume }: Resuming): Promise<ScriptedServer> {
  let last: Seen | null = null
  const script: Script = (seen, response) => {
    const id = seen.headers['last-event-id']
    if (seen.method === 'GET' && id !== undefined && last !== null) return onResume(id, response, last)
    if (seen.method === 'GET') return void response.writeHead(405).end()
    if (seen.body.method !== 'tools/call') return void response.writeHead(202).end()
    last = seen
    onCall(seen, response)
  }
  const server = await startScripted(legacy(script, { 'mcp-session-id': 'the-session' }))
  servers.push(server)
  return server
}

const open = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const answer = (seen: Seen, text: string) =>
  `data: ${JSON.stringify(result(seen, { content: [{ type: 'text', text }] }))}\n\n`
const resumptions = (server: ScriptedServer) =>
  server.seen.filter((one) => one.method === 'GET' && one.headers['last-event-id'] !== undefined)

describe('a call whose stream ends before the answer', () => {
  test('goes on by GET after the time that the server named, and is sent once', async () => {
    let endedAt = 0
    let resumedAt = 0
    const server = await start({
      onCall: (_, response) => {
        endedAt = performance.now()
        open(response).end('id: first\nretry: 300\ndata:\n\n')
      },
      onResume: (_id, response, call) => {
        resumedAt = performance.now()
        open(response).end(answer(call, 'done'))
      },
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    expect(textOf(await room.tool(uid, 'echo', {}))).toBe('done')
    expect(server.asked('tools/call')).toHaveLength(1)
    const [get, ...more] = resumptions(server)
    expect(more).toEqual([])
    expect(get?.headers).toMatchObject({
      'last-event-id': 'first',
      accept: 'text/event-stream',
      'mcp-session-id': 'the-session',
      'mcp-protocol-version': '2025-11-25',
    })
    // The server asked for so much and may not be asked sooner; later is no fault.
    expect(resumedAt - endedAt).toBeGreaterThan(290)
  })

  test('hears what the server says on each of its streams, and its questions are answered', async () => {
    const said = (step: number, call: Seen) => {
      const params = { progressToken: call.body.id ?? 0, progress: step }
      return `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`
    }
    const question = { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'Which?' } }
    const server = await start({
      onCall: (seen, response) => open(response).end(`id: 1\nretry: 10\n${said(1, seen)}`),
      onResume: (id, response, call) => {
        open(response)
        if (id === '1') response.end(`id: 2\n${said(2, call)}`)
        else {
          response.write(`data: ${JSON.stringify(question)}\n\n`)
          const look = setInterval(() => {
            if (!server.seen.some((one) => one.body.result !== undefined)) return
            clearInterval(look)
            response.end(answer(call, 'done'))
          }, 5)
        }
      },
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const heard: Notification[] = []
    const reply = await room.tool(
      uid,
      'echo',
      {},
      {
        progress: true,
        report: (notification) => heard.push(notification),
        askable: { form: true },
        ask: async () => ({ result: { action: 'decline' } }),
      },
    )
    expect(textOf(reply)).toBe('done')
    expect(heard.map((one) => one.params.progress)).toEqual([1, 2])
    expect(resumptions(server).map((one) => one.headers['last-event-id'])).toEqual(['1', '2'])
  })

  test('goes on also where the connection broke', async () => {
    const server = await start({
      onCall: (_, response) => {
        open(response).write('id: 1\nretry: 10\ndata:\n\n')
        response.write('id: 2\ndata: {"jsonrpc"', () => response.destroy())
      },
      onResume: (_id, response, call) => open(response).end(answer(call, 'done')),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    expect(textOf(await room.tool(uid, 'echo', {}))).toBe('done')
    // What was cut off has to come again.
    expect(resumptions(server).map((one) => one.headers['last-event-id'])).toEqual(['1'])
  })

  test.each([
    ['names none', 'data:\n\n'],
    ['takes it back', 'id: 1\ndata:\n\nid:\ndata:\n\n'],
    ['names one that no header can carry', 'id: 1\ndata:\n\nid: caf\u00e9\ndata:\n\n'],
  ])('is lost where the server gives no id to go on from: it %s', async (_, events) => {
    const server = await start({
      onCall: (_, response) => open(response).end(events),
      onResume: (_id, response, call) => open(response).end(answer(call, 'done')),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-lost' })
    expect(resumptions(server)).toEqual([])
    expect(server.asked('tools/call')).toHaveLength(1)
  })

  test.each([404, 405, 500])('is lost where the rest is not to be had (%i), and is not sent again', async (status) => {
    const server = await start({
      onCall: (_, response) => open(response).end('id: 1\nretry: 10\ndata:\n\n'),
      onResume: (_id, response) => void response.writeHead(status).end(),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-lost' })
    expect(server.asked('tools/call')).toHaveLength(1)
    expect(resumptions(server)).toHaveLength(1)
  })

  test('is lost where nobody is there any more: it was sent, and nobody is told otherwise', async () => {
    const server = await start({
      onCall: (_, response) =>
        open(response).end('id: 1\nretry: 200\ndata:\n\n', () => void setImmediate(() => void server.close())),
      onResume: (_id, response) => void response.writeHead(405).end(),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-lost' })
    expect(server.asked('tools/call')).toHaveLength(1)
  })

  test('believes no answer to another id', async () => {
    const server = await start({
      onCall: (_, response) => open(response).end('id: 1\nretry: 10\ndata:\n\n'),
      onResume: (_id, response, call) =>
        open(response).end(answer({ ...call, body: { ...call.body, id: (call.body.id ?? 0) + 1 } }, 'forged')),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  })

  test('is cancelled while it waits, and the server is told', async () => {
    const cancel = new Cancellation()
    const server = await start({
      onCall: (_, response) => open(response).end('id: 1\nretry: 3600000\ndata:\n\n', () => cancel.cancel('enough')),
      onResume: (_id, response) => void response.writeHead(405).end(),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {}, { cancel })).rejects.toMatchObject({ code: 'cancelled' })
    await expect.poll(() => server.asked('notifications/cancelled').length).toBe(1)
    expect(resumptions(server)).toEqual([])
  })

  test('of a server that wants to be left alone for too long ends as one that is silent', async () => {
    await room.close()
    room = await openRoom({ limits: { idleMs: 500 } })
    const server = await start({
      onCall: (_, response) => open(response).end('id: 1\nretry: 3600000\ndata:\n\n'),
      onResume: (_id, response) => void response.writeHead(405).end(),
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-timeout' })
  })
})

test('a stream that ends without end is given up', async () => {
  const server = await start({
    onCall: (_, response) => open(response).end('id: 1\nretry: 0\ndata:\n\n'),
    onResume: (_id, response) => open(response).end('id: 1\nretry: 0\ndata:\n\n'),
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-lost' })
  expect(resumptions(server)).toHaveLength(600)
})

describe('the stream that is nobody’s', () => {
  test('is taken up where it ended, so that nothing counts as missed', async () => {
    const gets: (string | undefined)[] = []
    const held: ServerResponse[] = []
    const script: Script = (seen, response) => {
      if (seen.method !== 'GET') return void response.writeHead(202).end()
      gets.push(seen.headers['last-event-id'])
      open(response).flushHeaders()
      if (gets.length === 1) response.end('id: a\nretry: 10\ndata:\n\n')
      else held.push(response)
    }
    const server = await startScripted(legacy(script, { 'mcp-session-id': 'the-session' }))
    servers.push(server)
    await room.add('s', { url: `${server.origin}/mcp` })
    const lists = server.asked('tools/list').length
    await expect.poll(() => gets, { timeout: 10_000 }).toEqual([undefined, 'a'])
    expect(server.asked('tools/list')).toHaveLength(lists)
  })

  test('begins anew where the server knows the id no more', async () => {
    const gets: (string | undefined)[] = []
    const script: Script = (seen, response) => {
      if (seen.method !== 'GET') return void response.writeHead(202).end()
      const id = seen.headers['last-event-id']
      gets.push(id)
      if (id !== undefined) return void response.writeHead(400).end()
      open(response).flushHeaders()
      if (gets.length === 1) response.end('id: a\nretry: 10\ndata:\n\n')
    }
    const server = await startScripted(legacy(script, { 'mcp-session-id': 'the-session' }))
    servers.push(server)
    await room.add('s', { url: `${server.origin}/mcp` })
    await expect.poll(() => gets, { timeout: 20_000 }).toEqual([undefined, 'a', undefined])
  })
})
