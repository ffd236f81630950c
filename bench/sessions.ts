/**
 * `node bench/sessions.ts`: what the portal's process holds in memory with many 2025-era sessions, each with an open
 * stream, all idle. One token for all of them: grants are counted elsewhere.
 */
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { startPortal } from './portal.ts'
import { startProgram, usage } from './processes.ts'
import { registerBench } from './subjects.ts'

const { values: options } = parseArgs({ options: { sessions: { type: 'string', default: '10000' } } })
const sessions = Number(options.sessions)
const BOUND_MIB = 450
const AT_ONCE = 50
const VERSION = '2025-11-25'

const upstream = await startProgram('./upstream.ts')
const room = String(sessions + 100)
const portal = await startPortal('process', {
  PORTICO_LIMITS_CONNECTIONS: room,
  PORTICO_LIMITS_SESSIONS_PER_PRINCIPAL: room,
  PORTICO_LIMITS_STREAMS: room,
  PORTICO_LIMITS_STREAMS_PER_PRINCIPAL: room,
})
const streams: Socket[] = []
try {
  const token = await registerBench(portal, upstream.port)
  const before = usage(portal.pid).rssMiB
  for (let opened = 0; opened < sessions; opened += AT_ONCE) {
    const batch = Math.min(AT_ONCE, sessions - opened)
    streams.push(...(await Promise.all(Array.from({ length: batch }, () => openSession(token)))))
  }
  const peak = usage(portal.pid).rssMiB
  const alive = streams.filter((stream) => !stream.destroyed).length
  console.log(
    `${alive} sessions with an open stream: ${peak.toFixed(0)} MiB resident (at most ${BOUND_MIB}: ${peak <= BOUND_MIB ? 'kept' : 'EXCEEDED'}), ${before.toFixed(0)} without, ${(((peak - before) * 1024) / alive).toFixed(1)} KiB each`,
  )
} finally {
  for (const stream of streams) stream.destroy()
  await portal.stop()
  await upstream.stop()
}

/** Shakes hands and opens the stream for unsolicited messages, both on one connection. */
async function openSession(token: string): Promise<Socket> {
  const socket = connect({ port: portal.port, host: '127.0.0.1', noDelay: true })
  const params = { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } }
  const hello = await ask(socket, post(token, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, []))
  const id = /\nmcp-session-id: *(\S+)/i.exec(hello)?.[1]
  if (id === undefined) throw new Error(`no session: ${hello}`)
  const session = [`Mcp-Session-Id: ${id}`, `MCP-Protocol-Version: ${VERSION}`]
  await ask(socket, post(token, { jsonrpc: '2.0', method: 'notifications/initialized' }, session))
  const get = ['GET /p/default/mcp HTTP/1.1', ...head(token), ...session, '', ''].join('\r\n')
  const opened = await ask(socket, get)
  if (!opened.startsWith('HTTP/1.1 200')) throw new Error(`no stream: ${opened}`)
  return socket
}

function head(token: string): string[] {
  return [
    `Host: 127.0.0.1:${portal.port}`,
    `Authorization: Bearer ${token}`,
    'Accept: application/json, text/event-stream',
  ]
}

function post(token: string, message: unknown, more: readonly string[]): string {
  const body = JSON.stringify(message)
  const lines = ['POST /p/default/mcp HTTP/1.1', ...head(token), ...more, 'Content-Type: application/json']
  return [...lines, `Content-Length: ${body.length}`, '', body].join('\r\n')
}

/** Resolves with what has come once the head and the declared body are whole; a stream declares none. */
function ask(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const take = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
      if (end === -1 || text.length < end + 4 + length) return
      socket.off('data', take)
      socket.off('error', reject)
      resolve(text)
    }
    socket.on('data', take)
    socket.once('error', reject)
    socket.write(request)
  })
}
