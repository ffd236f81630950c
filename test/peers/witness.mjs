/**
 * A small MCP server that may be killed at any moment: every effect is in a file before its answer leaves, so what was
 * done can be counted afterwards, whoever died. One program for four transports; no library, so that it starts at once.
 *
 *   WITNESS_MODE      modern (2026-07-28) | sessions (2025) | sse (2024-11-05) | stdio (2025)
 *   WITNESS_FILE      what was done, one line each: tool and entry
 *   WITNESS_PIDS      where each run adds its process id, a line each
 *   WITNESS_FORGOTTEN what a session that it does not know is told: 404 | 400
 *
 * Over HTTP it says to its parent when it is ready, listens at the port that it is told, and says that too.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

const { WITNESS_MODE: mode, WITNESS_FILE: file, WITNESS_PIDS: pids, WITNESS_FORGOTTEN: forgotten = '404' } = process.env
const WORK_MS = 2

const tool = (name, annotations) => ({
  name,
  inputSchema: { type: 'object', properties: { entry: { type: 'string' }, hold: { type: 'boolean' } } },
  ...(annotations === undefined ? {} : { annotations }),
})
const TOOLS = [tool('post'), tool('read', { readOnlyHint: true }), tool('put', { idempotentHint: true })]
const KEPT = mode === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}

/** @returns the message that answers, or null where there is none; a held call is never answered */
async function answer({ id, method, params }) {
  if (id === undefined) return null
  const result = await resultOf(method, params)
  if (result === null) return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
  return { jsonrpc: '2.0', id, result }
}

async function resultOf(method, params) {
  switch (method) {
    case 'server/discover':
      return mode === 'modern' ? { ...KEPT, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } : null
    case 'initialize':
      return {
        protocolVersion: mode === 'sse' ? '2024-11-05' : '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'witness', version: '1.0.0' },
      }
    case 'ping':
      return {}
    case 'tools/list':
      return { ...KEPT, tools: TOOLS }
    case 'tools/call': {
      const { entry, hold } = params.arguments
      appendFileSync(file, `${params.name} ${entry}\n`)
      await new Promise((resolve) => hold || setTimeout(resolve, WORK_MS))
      return { ...(mode === 'modern' ? { resultType: 'complete' } : {}), content: [{ type: 'text', text: entry }] }
    }
    default:
      return null
  }
}

async function bodyOf(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}

const send = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(body === null ? '' : JSON.stringify(body))
}

const sessions = new Map()
const unknown = (response) => {
  const error = { code: -32000, message: 'Bad Request: No valid session ID provided' }
  send(response, Number(forgotten), { jsonrpc: '2.0', id: null, error })
}

const SPOKEN = {
  async modern(request, response) {
    if (request.method !== 'POST') return send(response, 405, null)
    send(response, 200, await answer(await bodyOf(request)))
  },
  async sessions(request, response) {
    if (request.method === 'GET') return send(response, 405, null)
    const id = request.headers['mcp-session-id']
    if (request.method === 'DELETE') return send(response, 200, null)
    const message = await bodyOf(request)
    if (message.method === 'initialize') {
      const made = randomUUID()
      sessions.set(made, true)
      return send(response, 200, await answer(message), { 'mcp-session-id': made })
    }
    if (!sessions.has(id)) return unknown(response)
    const answered = await answer(message)
    send(response, answered === null ? 202 : 200, answered)
  },
  async sse(request, response) {
    if (request.method === 'GET') {
      const made = randomUUID()
      sessions.set(made, response)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: endpoint\ndata: /messages?session=${made}\n\n`)
      return
    }
    const stream = sessions.get(new URL(request.url, 'http://witness').searchParams.get('session'))
    if (stream === undefined) return unknown(response)
    const message = await bodyOf(request)
    send(response, 202, null)
    const answered = await answer(message)
    if (answered !== null) stream.write(`event: message\ndata: ${JSON.stringify(answered)}\n\n`)
  },
}

if (pids !== undefined) appendFileSync(pids, `${process.pid}\n`)
if (mode === 'stdio') {
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const answered = await answer(JSON.parse(line))
    if (answered !== null) process.stdout.write(`${JSON.stringify(answered)}\n`)
  })
} else {
  const server = createServer((request, response) => void SPOKEN[mode](request, response))
  // It is told when: how long a program takes to start is no part of how long a server is away.
  process.once('message', ({ port }) => server.listen(port, '127.0.0.1', () => process.send('listening')))
  process.send('ready')
  // Nobody is left behind by a test run that was killed.
  process.on('disconnect', () => process.exit(0))
}
