/** A child of 2025 whose one tool asks a form in its midst, and another that tells what the child was told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { NODE, type StdioPeer } from './peers/servers.ts'

const PROGRAM = `
const told = []
const calls = new Map()
let asked = 0
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const text = (value) => ({ content: [{ type: 'text', text: value }] })
const note = (level, data) => send({ method: 'notifications/message', params: { level, data } })
const form = (message) => ({ message, requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } })
const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools: ['ask', 'told', 'wait', 'go'].map((name) => ({ name, inputSchema: { type: 'object' } })) }),
  'logging/setLevel': () => ({}),
  'tools/call': ({ id, params }) => {
    const { name, arguments: { who = '' } = {} } = params
    if (name === 'told') return text(JSON.stringify(told))
    if (name === 'go') {
      for (const [key, waiting] of calls) if (waiting.waits) { calls.delete(key); send({ id: waiting.id, result: text('waited for ' + waiting.who) }) }
      return text('went')
    }
    const key = 'q' + ++asked
    calls.set(key, { id, who, waits: name === 'wait' })
    note('info', 'a line about ' + who)
    const { progressToken } = params._meta ?? {}
    if (progressToken !== undefined) send({ method: 'notifications/progress', params: { progressToken, progress: 1, message: 'a step for ' + who } })
    if (name === 'ask') send({ id: key, method: 'elicitation/create', params: form('Who is ' + who + '?') })
  },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.method === undefined) {
    const call = calls.get(message.id)
    calls.delete(message.id)
    if (call !== undefined) send({ id: call.id, result: text(call.who + ' ' + JSON.stringify(message.result ?? message.error)) })
    return
  }
  told.push(message.method)
  if (message.id === undefined) return
  const answer = answers[message.method]
  if (answer === undefined) return send({ id: message.id, error: { code: -32601, message: 'no' } })
  const result = answer(message)
  if (result !== undefined) send({ id: message.id, result })
})
`

export function askingChild(): StdioPeer {
  return { command: NODE, args: ['-e', PROGRAM], env: {} }
}

/** The same over HTTP+SSE of 2024: each stream is a session, and a child of its own. */
export async function startAskingSse(): Promise<{ url: string; close(): Promise<void> }> {
  const { command, args } = askingChild()
  const children = new Set<ChildProcess>()
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (request.method === 'GET' && pathname === '/sse') {
      const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      children.add(child)
      request.on('close', () => child.kill())
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: endpoint\ndata: /message?child=${child.pid}\n\n`)
      createInterface({ input: child.stdout }).on('line', (line) => response.write(`event: message\ndata: ${line}\n\n`))
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const child = [...children].find(({ pid }) => String(pid) === searchParams.get('child'))
    if (request.method !== 'POST' || child === undefined) {
      response.writeHead(404).end()
      return
    }
    child.stdin?.write(`${Buffer.concat(chunks).toString()}\n`)
    response.writeHead(202).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      for (const child of children) child.kill()
      await closed
    },
  }
}
