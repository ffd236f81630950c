/** The servers behind the fuzzed portal: one that is honest, and one whose answers are made up. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Chance, chanceOf } from './chance.ts'
import { makeAnswer } from './local-answers.ts'

interface Said {
  bytes: Buffer
  isHonest: boolean
}

export interface Upstream {
  origin: string
  /** What the liar answered, by seed. */
  said: Map<number, Said>
  close(): void
}

/** `/plain/mcp` answers honestly; `/liar/mcp` as its seed says. Both are of 2026. */
export function startUpstream(): Promise<Upstream> {
  const said = new Map<number, Said>()
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const message = JSON.parse(Buffer.concat(chunks).toString()) as Question
    const result = RESULTS[message.method]
    if (message.method === 'tools/call' && request.url?.startsWith('/liar')) return lie(message, response, said)
    response.writeHead(200, { 'content-type': 'application/json' })
    const outcome = result === undefined ? { error: { code: -32601, message: 'no' } } : { result }
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...outcome }))
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const close = () => {
        server.close()
        server.closeAllConnections()
      }
      resolve({ origin, said, close })
    })
  })
}

interface Question {
  id: number
  method: string
  params: { arguments?: { seed?: number }; _meta?: { progressToken?: unknown } }
}

const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }
const RESULTS: Record<string, object> = {
  'server/discover': {
    ...complete,
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
  },
  'tools/list': { ...complete, tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
  'prompts/list': { ...complete, prompts: [{ name: 'greet', arguments: [{ name: 'who' }] }] },
  'resources/list': { ...complete, resources: [{ uri: 'test://x', name: 'x' }] },
  'resources/templates/list': { ...complete, resourceTemplates: [] },
  'resources/read': { ...complete, contents: [{ uri: 'test://x', text: 'x' }] },
  'prompts/get': { resultType: 'complete', messages: [] },
  'completion/complete': { resultType: 'complete', completion: { values: [] } },
  'tools/call': { resultType: 'complete', content: [{ type: 'text', text: 'ok' }] },
}

function lie({ id, params }: Question, response: ServerResponse, said: Map<number, Said>): void {
  const seed = params.arguments?.seed ?? 0
  const chance = chanceOf(seed + 1)
  const made = makeAnswer(chance, id)
  said.set(seed, made)
  if (chance.oneIn(2)) {
    response.writeHead(200, { 'content-type': 'application/json' })
    writeInPieces(chance, response, made.bytes)
    return
  }
  const token = params._meta?.progressToken ?? null
  const progress = JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: token, progress: 1 },
  })
  const lines = made.bytes.toString('latin1').split(/\r\n|\r|\n/)
  const end = chance.pick(['\n', '\r', '\r\n'])
  const framed = `${chance.oneIn(2) ? `data: ${progress}${end}${end}` : ''}${lines.map((line) => `data: ${line}${end}`).join('')}${end}`
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  writeInPieces(chance, response, Buffer.from(framed, 'latin1'))
}

function writeInPieces(chance: Chance, response: ServerResponse, bytes: Buffer): void {
  const at = chance.below(bytes.length + 1)
  response.write(bytes.subarray(0, at))
  setImmediate(() => response.end(bytes.subarray(at)))
}
