/**
 * The least an MCP server of 2026-07-28 can be: one tool, one answer of 1 KB, spoken over raw sockets so that in a
 * bench the server behind is never what limits. It must not be used for anything else: it checks nothing.
 * With a number as argument it is many servers in one process: each path of its own bears that many tools of its own.
 */
import { createServer, type Socket } from 'node:net'

const TEXT = 'x'.repeat(1024)
const SERVER_INFO = { 'io.modelcontextprotocol/serverInfo': { name: 'bench-upstream', version: '1.0.0' } }
const TOOL = {
  name: 'echo',
  description: 'Answers 1 KB of text.',
  inputSchema: { type: 'object', properties: { message: { type: 'string' } } },
}
const MANY = Number(process.argv[2] ?? 0)
const CACHED = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public', _meta: SERVER_INFO }

const results: Record<string, string> = {
  'server/discover': JSON.stringify({
    ...CACHED,
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
  }),
  'tools/list': listOf([TOOL]),
  'tools/call': JSON.stringify({
    resultType: 'complete',
    content: [{ type: 'text', text: TEXT }],
    _meta: SERVER_INFO,
  }),
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = serve(socket, rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
  })
})

function listOf(tools: readonly unknown[]): string {
  return JSON.stringify({ ...CACHED, tools })
}

/** Of about the size that real servers have: half a kilobyte each. */
function toolsAt(headers: string): unknown[] {
  const place = /\/(\w+) HTTP/.exec(headers)?.[1] ?? ''
  const query = { type: 'string', description: 'What to look for, in the words that a person would use for it.' }
  const limit = { type: 'integer', minimum: 1, maximum: 100, description: 'How many results to give at most.' }
  return Array.from({ length: MANY }, (_, index) => ({
    name: `${place}_lookup_${index}`,
    title: `Look up ${index}`,
    description:
      'Looks something up in the records of this server and gives the best matches first, with their source.',
    inputSchema: { type: 'object', properties: { query, limit }, required: ['query'] },
    annotations: { readOnlyHint: true, openWorldHint: false },
  }))
}

/** Answers each whole request in `bytes` and returns what is left. */
function serve(socket: Socket, bytes: Buffer): Buffer {
  let rest = bytes
  for (;;) {
    const head = rest.indexOf('\r\n\r\n')
    if (head === -1) return rest
    const headers = rest.toString('latin1', 0, head)
    const length = Number(/\ncontent-length: *(\d+)/i.exec(headers)?.[1] ?? 0)
    const end = head + 4 + length
    if (rest.length < end) return rest
    answer(socket, headers, rest.toString('utf8', head + 4, end))
    rest = rest.subarray(end)
  }
}

function answer(socket: Socket, headers: string, body: string): void {
  if (!headers.startsWith('POST')) {
    socket.write('HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n')
    return
  }
  const { id, method } = JSON.parse(body) as { id?: string | number; method: string }
  if (id === undefined) {
    socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n')
    return
  }
  const result = method === 'tools/list' && MANY > 0 ? listOf(toolsAt(headers)) : results[method]
  const said = result === undefined ? '"error":{"code":-32601,"message":"Method not found"}' : `"result":${result}`
  // All of it is ASCII, so characters are bytes.
  const json = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${said}}`
  const status = result === undefined ? '404 Not Found' : '200 OK'
  socket.write(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\nConnection: keep-alive\r\n\r\n${json}`,
  )
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.({ listening: address.port })
})
process.on('disconnect', () => process.exit(0))
