/**
 * Real clients, one portal, real servers: each client reaches each server, over whatever transport and era that server
 * speaks, on the same URL. What fails here and passes in `test/peers/peers.test.ts` is the portal's doing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLIENT_NAMES, type ClientName, connectClient, type McpClient } from '../peers/clients.ts'
import { EVERYTHING, type Exercise, filesystemExercises, MEMORY, type Place, UNCHANGED } from '../peers/exercises.ts'
import {
  everythingStdio,
  filesystemStdio,
  type HttpPeer,
  startEverythingHttp,
  startEverythingSse,
  startMemoryProxy,
} from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'

/** In portal order, so `http` owns the URIs that all three copies of server-everything bear. */
const SERVERS = ['http', 'sse', 'stdio', 'files', 'memory'] as const
type ServerName = (typeof SERVERS)[number]

const TITLES: Record<ServerName, string> = {
  http: 'server-everything over Streamable HTTP',
  sse: 'server-everything over HTTP+SSE',
  stdio: 'server-everything over stdio',
  files: 'server-filesystem over stdio',
  memory: 'server-memory behind mcp-proxy, of 2026',
}

// Made while tests are collected, because their list depends on it.
const dir = await mkdtemp(join(tmpdir(), 'journey-clients-'))
let portal: TestPortal
const peers: HttpPeer[] = []

const exercises: Record<ServerName, readonly Exercise[]> = {
  http: EVERYTHING,
  sse: EVERYTHING,
  stdio: EVERYTHING,
  files: filesystemExercises(dir),
  memory: MEMORY,
}

beforeAll(async () => {
  const [http, sse, memory] = await Promise.all([
    startEverythingHttp(),
    startEverythingSse(),
    startMemoryProxy(join(dir, 'memory.jsonl')),
  ])
  peers.push(http, sse, memory)
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'http', url: http.url },
    { id: 'sse', url: sse.url },
    { id: 'stdio', stdio: everythingStdio() },
    { id: 'files', stdio: filesystemStdio(dir) },
    { id: 'memory', url: memory.url },
  ])
})

afterAll(async () => {
  await portal?.close()
  for (const peer of peers) await peer.stop()
  await rm(dir, { recursive: true, force: true })
})

for (const clientName of CLIENT_NAMES) {
  describe(`${clientName}, all servers on one URL`, () => {
    const client = connected(clientName, '/p/default/mcp')

    for (const server of SERVERS) {
      const ofServer = exercises[server].filter(
        (each) => can(clientName, each) && (each.byUri !== true || owns(server)),
      )
      for (const exercise of ofServer) {
        // [ERA-1]
        test(`${TITLES[server]}: ${exercise.title}`, () => exercise.run(client(), behind(server)))
      }
    }
  })

  for (const server of ['sse', 'stdio'] as const) {
    describe(`${clientName}, ${TITLES[server]} on the URL of its own`, () => {
      const client = connected(clientName, `/p/default/s/${server}/mcp`)
      for (const exercise of exercises[server].filter((each) => can(clientName, each) && each.byUri === true)) {
        test(exercise.title, () => exercise.run(client(), UNCHANGED))
      }
    })
  }
}

test('the audit names a call that its client gave up as cancelled', async () => {
  const client = await connectClient('SDK v2 pinned', await target('/p/default/mcp', 'quitter@example.com'))
  const stop = new AbortController()
  const call = client.callTool(
    'http_trigger-long-running-operation',
    { duration: 5, steps: 50 },
    { signal: stop.signal, onprogress: () => stop.abort(new Error('enough')) },
  )
  await expect(call).rejects.toThrow()
  await expect
    .poll(() => outcomes('quitter@example.com'))
    .toContainEqual({ capability: 'http_trigger-long-running-operation', outcome: 'cancelled' })
  await client.close()
})

/** A client of the whole `describe`, with a token of its own. */
function connected(name: ClientName, path: string): () => McpClient {
  let client: McpClient | undefined
  beforeAll(async () => {
    client = await connectClient(name, await target(path, `${name.replaceAll(' ', '.').toLowerCase()}@example.com`))
  })
  afterAll(() => client?.close())
  return () => {
    if (client === undefined) throw new Error(`${name} is not connected`)
    return client
  }
}

interface Ended {
  capability: string
  outcome: string
}

async function target(path: string, email: string): Promise<{ url: string; token: string }> {
  return { url: `${portal.url}${path}`, token: await portal.userToken(email) }
}

async function outcomes(actor: string): Promise<Ended[]> {
  const query = new URLSearchParams({ actor, method: 'tools/call', phase: 'ended' })
  const answer = await portal.api<Ended[]>('GET', `/access/ai-controls/mcp/logs?${query}`)
  return answer.body.result.map(({ capability, outcome }) => ({ capability, outcome }))
}

function behind(server: ServerName): Place {
  return (original) => `${server}_${original}`
}

/** The first bearer in portal order owns a URI. */
function owns(server: ServerName): boolean {
  return server !== 'sse' && server !== 'stdio'
}

function can(name: ClientName, exercise: Exercise): boolean {
  return exercise.needs === undefined || !name.startsWith('Inspector')
}
