/**
 * Each real client in front of each real HTTP server with nothing between them: whatever fails in a journey but passes
 * here is the portal's doing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLIENT_NAMES, type ClientName, connectClient, type McpClient } from './clients.ts'
import { EVERYTHING, type Exercise, MEMORY, UNCHANGED } from './exercises.ts'
import { type HttpPeer, startEverythingHttp, startEverythingSse, startMemoryProxy } from './servers.ts'

const servers = ['everything over HTTP', 'everything over SSE', 'memory behind mcp-proxy'] as const
type ServerName = (typeof servers)[number]

const exercises: Record<ServerName, readonly Exercise[]> = {
  'everything over HTTP': EVERYTHING,
  'everything over SSE': EVERYTHING,
  'memory behind mcp-proxy': MEMORY,
}
/** These speak 2026-07-28 and nothing else, and everything speaks only 2025. */
const modernOnly: ReadonlySet<ClientName> = new Set(['SDK v2 pinned', 'Inspector modern'])

let dir = ''
const running = new Map<ServerName, HttpPeer>()

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'peers-'))
  running.set('everything over HTTP', await startEverythingHttp())
  running.set('everything over SSE', await startEverythingSse())
  running.set('memory behind mcp-proxy', await startMemoryProxy(join(dir, 'memory.jsonl')))
})

afterAll(async () => {
  for (const server of running.values()) await server.stop()
  await rm(dir, { recursive: true, force: true })
})

for (const clientName of CLIENT_NAMES) {
  for (const serverName of servers) {
    const target = () => ({ url: running.get(serverName)?.url ?? '' })

    if (modernOnly.has(clientName) && serverName !== 'memory behind mcp-proxy') {
      test(`${clientName} refuses ${serverName}, which knows only 2025`, async () => {
        const meet = async () => {
          const client = await connectClient(clientName, target())
          await client.listTools().finally(client.close)
        }
        await expect(meet()).rejects.toThrow(/2026-07-28/)
      })
      continue
    }

    describe(`${clientName} and ${serverName}`, () => {
      let client: McpClient
      beforeAll(async () => {
        client = await connectClient(clientName, target())
      })
      afterAll(() => client.close())

      for (const exercise of exercises[serverName].filter((each) => can(clientName, each))) {
        test(exercise.title, () => exercise.run(client, UNCHANGED))
      }
    })
  }
}

function can(clientName: ClientName, exercise: Exercise): boolean {
  return exercise.needs === undefined || !clientName.startsWith('Inspector')
}
