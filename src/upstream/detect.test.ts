/** Which transport is tried where, row by row, against a server that answers each path as the row says. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { json, legacy, modern, result, type Script, startScripted } from '../../test/scripted-server.ts'
import { openRoom, type Room } from '../../test/upstream-room.ts'

let room: Room
beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 300 } })
})
afterEach(() => room.close())

type Kind = 'modern' | 'legacy' | 'sse' | number
/** The answers go to the stream that is open. */
function ssePath(): Script {
  let stream: { write(text: string): void } | undefined
  return (seen, response, request) => {
    if (seen.method === 'GET') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' })
      stream.write('event: endpoint\ndata: /messages?session=1\n\n')
      return
    }
    response.writeHead(202).end()
    const fake = { writeHead: () => fake, end: (text?: string) => text && stream?.write(`data: ${text}\n\n`) }
    legacy(() => {})(seen, fake as never, request)
  }
}

function site(paths: Record<string, Kind>): Script {
  const sse = ssePath()
  return (seen, response, request) => {
    const kind = seen.path.startsWith('/messages') ? 'sse' : (paths[seen.path] ?? 404)
    if (kind === 'sse') {
      if (seen.method === 'POST' && !seen.path.startsWith('/messages')) return void response.writeHead(404).end()
      return sse(seen, response, request)
    }
    if (seen.method === 'GET' && typeof kind !== 'number') return void response.writeHead(405).end()
    if (kind === 'modern') return modern(() => {})(seen, response, request)
    if (kind === 'legacy') return legacy((one, to) => json(to, result(one, {})))(seen, response, request)
    response.writeHead(kind).end()
  }
}

interface Row {
  url: string
  paths: Record<string, Kind>
  status: 'ready' | 'error'
  /** Method and path of the requests up to the first that is answered, in order. */
  tried: string[]
}

const rows: Row[] = [
  { url: '/mcp', paths: { '/mcp': 'modern' }, status: 'ready', tried: ['POST /mcp'] },
  { url: '/mcp', paths: { '/mcp': 'legacy' }, status: 'ready', tried: ['POST /mcp', 'POST /mcp'] },
  { url: '/mcp', paths: { '/mcp': 'sse' }, status: 'error', tried: ['POST /mcp', 'POST /mcp'] },
  { url: '/mcp', paths: { '/mcp': 404 }, status: 'error', tried: ['POST /mcp', 'POST /mcp'] },
  { url: '/a/mcp', paths: { '/a/mcp': 'modern' }, status: 'ready', tried: ['POST /a/mcp'] },
  { url: '/sse', paths: { '/sse': 'sse' }, status: 'ready', tried: ['GET /sse'] },
  { url: '/sse', paths: { '/sse': 'modern' }, status: 'error', tried: ['GET /sse'] },
  { url: '/x', paths: { '/x': 'modern' }, status: 'ready', tried: ['POST /x'] },
  { url: '/x', paths: { '/x': 'sse' }, status: 'ready', tried: ['POST /x', 'POST /x', 'GET /x'] },
  {
    url: '/x',
    paths: { '/x/mcp': 'legacy' },
    status: 'ready',
    tried: ['POST /x', 'POST /x', 'GET /x', 'POST /x/mcp', 'POST /x/mcp'],
  },
  {
    url: '/x/',
    paths: { '/x/': 405, '/x/sse': 'sse' },
    status: 'ready',
    tried: ['POST /x/', 'POST /x/', 'GET /x/', 'POST /x/mcp', 'POST /x/mcp', 'GET /x/sse'],
  },
  {
    url: '/x',
    paths: { '/x': 406, '/x/mcp': 'modern' },
    status: 'ready',
    tried: ['POST /x', 'POST /x', 'GET /x', 'POST /x/mcp'],
  },
  { url: '/x', paths: { '/x': 400, '/x/mcp': 'modern' }, status: 'error', tried: ['POST /x', 'POST /x'] },
  { url: '/x', paths: { '/x': 401, '/x/mcp': 'modern' }, status: 'error', tried: ['POST /x'] },
  { url: '/x', paths: { '/x': 403, '/x/mcp': 'modern' }, status: 'error', tried: ['POST /x'] },
  { url: '/x', paths: { '/x': 500, '/x/mcp': 'modern' }, status: 'error', tried: ['POST /x'] },
  { url: '/x', paths: { '/x': 302, '/x/mcp': 'modern' }, status: 'error', tried: ['POST /x'] },
]

// [ERA-10]
test.each(rows)('$url where $paths is $status', async ({ url, paths, status, tried }) => {
  const server = await startScripted(site(paths))
  try {
    const uid = await room.add('s', { url: server.origin + url })
    const health = room.upstreams.health(uid)
    expect(health.status).toBe(status)
    expect(server.seen.slice(0, tried.length).map((one) => `${one.method} ${one.path}`)).toEqual(tried)
    if (status === 'error') expect(server.seen.length).toBe(tried.length)
    if (status === 'ready') expect(room.upstreams.inventory(uid)?.tools.length).toBe(1)
  } finally {
    await server.close()
  }
})

test('a modern server that refuses our revision and has only older ones is asked in the old way', async () => {
  const server = await startScripted((seen, response, request) => {
    if (seen.body.method !== 'server/discover')
      return legacy((_s, r) => void r.writeHead(405).end())(seen, response, request)
    const data = { supported: ['2025-11-25'], requested: '2026-07-28' }
    json(response, { jsonrpc: '2.0', id: seen.body.id, error: { code: -32022, message: 'no', data } }, 400)
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.inventory(uid)?.era).toBe('2025')
  await server.close()
})

// [ERA-10]
test.each([
  { times: 1, status: 'ready', tried: ['server/discover', 'server/discover', 'tools/list'] },
  { times: 9, status: 'error', tried: ['server/discover', 'server/discover'] },
])('a server that refuses our revision $times times and names it is $status', async ({ times, status, tried }) => {
  let refused = 0
  const answer = modern(() => {})
  const server = await startScripted((seen, response, request) => {
    if (refused++ >= times) return answer(seen, response, request)
    const data = { supported: ['2026-07-28'], requested: '2026-07-28' }
    json(response, { jsonrpc: '2.0', id: seen.body.id, error: { code: -32022, message: 'no', data } }, 400)
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.health(uid).status).toBe(status)
  expect(server.seen.slice(0, 3).map(({ body }) => body.method)).toEqual(tried)
  await server.close()
})

test('what a server turned out to speak is not found out again for each connection', async () => {
  const server = await startScripted(site({ '/x/mcp': 'legacy' }))
  const uid = await room.add('s', { url: `${server.origin}/x`, isolation: 'per_user' })
  const before = server.seen.length
  await room.tool(uid, 'echo', {}, { who: 'ada' })
  expect(server.seen.slice(before).filter((one) => one.path !== '/x/mcp')).toEqual([])
  expect(server.asked('server/discover').length).toBe(2)
  await server.close()
})
