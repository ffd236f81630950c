/** Streamable HTTP against servers that a test scripts: what arrives there, and what of their answers is believed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  startScripted,
} from '../../test/scripted-server.ts'
import { ASKS_NOTHING, openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import type { JsonObject } from '../protocol/model.ts'

let room: Room
const servers: ScriptedServer[] = []
const start = async (script: Script, port = 0): Promise<ScriptedServer> => {
  const server = await startScripted(script, port)
  servers.push(server)
  return server
}

beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 1500 } })
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

const answer: Script = (seen, response) =>
  json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: 'yes' }] }))

test('a request carries the headers of our list and nothing else', async () => {
  const server = await start(modern(answer))
  const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential: 'sesame' })
  await room.tool(uid, 'echo', { a: 1 }, { who: 'bob', session: 'their-session' })
  const [call] = server.asked('tools/call')
  expect(call?.headers).toEqual({
    host: `127.0.0.1:${server.port}`,
    connection: 'keep-alive',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    'user-agent': 'portico/0.0.0',
    authorization: 'Bearer sesame',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'echo',
    'content-length': expect.any(String),
  })
  expect(call?.body.params).toEqual({
    name: 'echo',
    arguments: { a: 1 },
    _meta: {
      'dev.portico/hop': 1,
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'portico', version: '0.0.0' },
    },
  })
})

test('a credential of headers is sent as it stands, in lower case, once each', async () => {
  const server = await start(modern(answer))
  const credential = JSON.stringify({ headers: { 'X-Api-Key': 'k', 'CF-Access-Client-Id': 'c' } })
  const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential })
  await room.tool(uid, 'echo', {})
  expect(server.asked('tools/call')[0]?.headers).toMatchObject({ 'x-api-key': 'k', 'cf-access-client-id': 'c' })
  expect(server.asked('tools/call')[0]?.headers).not.toHaveProperty('authorization')
})

test('a changed credential is used by the next call, on another connection', async () => {
  const server = await start(modern(answer))
  const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential: 'one' })
  await room.setCredential(uid, 'two')
  await room.tool(uid, 'echo', {})
  expect(server.asked('tools/call').map((call) => call.headers.authorization)).toEqual(['Bearer two'])
})

test.each([401, 403])('a %s is the credential at fault, and is said without what the server said', async (status) => {
  const server = await start(modern((_seen, response) => json(response, { error: 'secret words' }, status)))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const error = await room.tool(uid, 'echo', {}).catch((caught: Error) => caught)
  expect(error).toMatchObject({ code: 'upstream-refused-credential', message: expect.stringContaining('Server s') })
  expect((error as Error).message).not.toMatch(/secret|127\.0\.0\.1/)
})

test('a redirect is not followed and nothing reaches where it points', async () => {
  const elsewhere = await start(answer)
  const server = await start(
    modern((_seen, response) => void response.writeHead(307, { location: `${elsewhere.origin}/mcp` }).end()),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential: 'sesame' })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  expect(elsewhere.seen).toEqual([])
})

const good = (id: unknown) => `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","content":[]}}`
const hostile: Record<string, (id: number) => string> = {
  'trailing garbage': (id) => `${good(id)}x`,
  'a second answer behind the first': (id) => `${good(id)}${good(id)}`,
  'another id': (id) => good(id + 1),
  'our id as a string': (id) => good(`"${id}"`),
  'two ids': (id) => `{"jsonrpc":"2.0","id":${id},"id":7,"result":{}}`,
  'a result and an error': (id) => `{"jsonrpc":"2.0","id":${id},"result":{},"error":{"code":1,"message":"m"}}`,
  'a method beside the result': (id) => `{"jsonrpc":"2.0","id":${id},"method":"x","result":{}}`,
  'a list of answers': (id) => `[${good(id)}]`,
  'no id': () => '{"jsonrpc":"2.0","result":{}}',
  'half an answer': (id) => good(id).slice(0, -1),
  'a web page': () => '<html>',
}
describe.each(Object.entries(hostile))('an answer with %s', (_what, body) => {
  test.each(['json', 'events'])('is refused as %s', async (form) => {
    const server = await start(
      modern((seen, response) => {
        const text = body(seen.body.id ?? 0)
        if (form === 'json') return json(response, text)
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${text}\n\n`)
      }),
    )
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
    expect(server.asked('tools/call').length).toBe(1)
  })
})

test('a coded answer is refused', async () => {
  const coded: Script = (seen, response) => json(response, result(seen, {}), 200, { 'content-encoding': 'gzip' })
  const server = await start(modern(coded))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
})

test.each(['json', 'events'])('an answer without end is cut off (%s)', async (form) => {
  const closed = Promise.withResolvers<void>()
  const flood: Script = (_seen, response) => {
    response.on('close', closed.resolve)
    response.writeHead(200, { 'content-type': form === 'json' ? 'application/json' : 'text/event-stream' })
    response.write(form === 'json' ? '{"jsonrpc":"2.0","x":"' : 'data: ')
    const more = () => {
      while (!response.destroyed && response.write('a'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  const server = await start(modern(flood))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  await closed.promise
})

test('an error answer of a modern server reaches the caller whatever its status', async () => {
  const server = await start(
    modern((seen, response) =>
      json(response, { jsonrpc: '2.0', id: seen.body.id, error: { code: -32601, message: 'unknown' } }, 404),
    ),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.call(uid, 'completion/complete')).rejects.toThrow('-32601: unknown')
})

// [HEAL-3]
test('a server that is silent for too long is given up, and only its own calls wait', async () => {
  await room.close()
  room = await openRoom({ limits: { idleMs: 2000 } })
  const silent = await start(modern(() => {}))
  const quick = await start(modern(answer))
  const slow = await room.add('slow', { url: `${silent.origin}/mcp` })
  const fast = await room.add('fast', { url: `${quick.origin}/mcp` })
  const waiting = room.tool(slow, 'echo', {}).catch((error: Error) => error)
  const first = await Promise.race([waiting, room.tool(fast, 'echo', {})])
  expect(textOf(first as JsonObject)).toBe('yes')
  expect(await waiting).toMatchObject({ code: 'upstream-timeout' })
})

test('an answer that drips for ever has an end', async () => {
  await room.close()
  room = await openRoom({ limits: { totalMs: 900 } })
  const closed = Promise.withResolvers<void>()
  const server = await start(
    modern((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timer = setInterval(() => response.write(':\n\n'), 50)
      response.on('close', () => {
        clearInterval(timer)
        closed.resolve()
      })
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-timeout' })
  await closed.promise
})

test('progress keeps a slow call alive', async () => {
  await room.close()
  room = await openRoom({ limits: { idleMs: 2000 } })
  const server = await start(
    modern((seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      let step = 0
      const timer = setInterval(() => {
        step++
        const params = { progressToken: seen.body.id, progress: step }
        if (step < 6)
          response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`)
        else {
          clearInterval(timer)
          response.end(`data: ${JSON.stringify(result(seen, { resultType: 'complete', content: [] }))}\n\n`)
        }
      }, 400)
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const heard: unknown[] = []
  await room.tool(uid, 'echo', {}, { progress: true, report: ({ params }) => heard.push(params) })
  expect(heard).toEqual([1, 2, 3, 4, 5].map((progress) => ({ progress })))
})

// [ERA-8]
test('a cancelled call to a modern server closes its stream', async () => {
  const closed = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const server = await start(
    modern((_seen, response) => {
      response.on('close', closed.resolve)
      arrived.resolve()
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const cancel = new Cancellation()
  const work = room.tool(uid, 'echo', {}, { cancel })
  arrived.promise.then(() => cancel.cancel('enough'))
  await expect(work).rejects.toMatchObject({ code: 'cancelled' })
  await closed.promise
})

// [ERA-8]
test('a cancelled call to a server with sessions is cancelled by a message that names our id', async () => {
  const cancelled = Promise.withResolvers<unknown>()
  const arrived = Promise.withResolvers<number | undefined>()
  const server = await start(
    legacy((seen, response) => {
      if (seen.body.method === 'notifications/cancelled') {
        cancelled.resolve(seen.body.params?.requestId)
        return void response.writeHead(202).end()
      }
      if (seen.method === 'GET') return void response.writeHead(405).end()
      arrived.resolve(seen.body.id)
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const cancel = new Cancellation()
  const work = room.tool(uid, 'echo', {}, { cancel })
  const id = await arrived.promise
  cancel.cancel('enough')
  await expect(work).rejects.toMatchObject({ code: 'cancelled' })
  expect(await cancelled.promise).toBe(id)
})

test('what an older server asks in mid-call is answered: ping with life, everything else with no', async () => {
  const answers: unknown[] = []
  const server = await start(
    legacy((seen, response) => {
      if (seen.method === 'GET') return void response.writeHead(405).end()
      if (seen.body.method === undefined) {
        answers.push(seen.body.result ?? seen.body.error?.code)
        response.writeHead(202).end()
        if (answers.length === 2) {
          pending?.end(`data: ${JSON.stringify(result(call as never, { content: [] }))}\n\n`)
        }
        return
      }
      call = seen
      pending = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const [id, method] of [
        ['a', 'ping'],
        ['b', 'sampling/createMessage'],
      ]) {
        response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, method, params: {} })}\n\n`)
      }
    }),
  )
  let call: unknown
  let pending: { end(text: string): void } | undefined
  const uid = await room.add('s', { url: `${server.origin}/mcp`, relay: ASKS_NOTHING })
  await room.tool(uid, 'echo', {})
  expect(answers).toEqual(expect.arrayContaining([{}, -32601]))
})

test('an argument that the tool wants in a header is sent there too', async () => {
  const inputSchema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
  const bad = { type: 'object', properties: { n: { type: 'number', 'x-mcp-header': 'N' } } }
  const server = await start((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return modern(answer)(seen, response, request)
    const tools = [
      { name: 'good', inputSchema },
      { name: 'bad', inputSchema: bad },
    ]
    json(response, result(seen, { resultType: 'complete', tools }))
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.inventory(uid)?.tools.map((tool) => tool.name)).toEqual(['good'])
  await room.tool(uid, 'good', { region: 'zürich' })
  const encoded = `=?base64?${Buffer.from('zürich').toString('base64')}?=`
  expect(server.asked('tools/call')[0]?.headers['mcp-param-region']).toBe(encoded)
})

test('a tool that wants another header since it was listed is listed again, and the call succeeds', async () => {
  const declared = (header: string) => ({
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': header } },
  })
  let header = 'Old'
  const server = await start((seen, response, request) => {
    if (seen.body.method === 'tools/list') {
      return json(
        response,
        result(seen, { resultType: 'complete', tools: [{ name: 't', inputSchema: declared(header) }] }),
      )
    }
    if (seen.body.method === 'tools/call' && seen.headers[`mcp-param-${header.toLowerCase()}`] === undefined) {
      return json(response, { jsonrpc: '2.0', id: seen.body.id, error: { code: -32020, message: 'no' } }, 400)
    }
    modern(answer)(seen, response, request)
  })
  const at = { url: `${server.origin}/mcp` }
  const uid = await room.add('s', { ...at, definitions: 'auto' })
  header = 'New'
  expect(textOf(await room.tool(uid, 't', { region: 'north' }))).toBe('yes')
  expect(server.asked('tools/call').length).toBe(2)

  header = 'Old'
  const strict = await room.add('strict', { ...at, definitions: 'hold_changed' })
  header = 'Third'
  await expect(room.tool(strict, 't', { region: 'north' })).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  // It waits for an admin as it is now, so the call that found that out is not sent again.
  expect(server.asked('tools/call').length).toBe(3)
  expect(room.told).toEqual(['strict: tool t'])
})
