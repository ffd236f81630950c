/** Real servers behind the room, each transport and both eras, on loopback. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  everythingStdio,
  filesystemStdio,
  type HttpPeer,
  startEverythingHttp,
  startEverythingSse,
  startMemoryProxy,
} from '../../test/peers/servers.ts'
import { openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Notification } from '../protocol/model.ts'

const dir = mkdtempSync(join(tmpdir(), 'portico-transports-'))
let room: Room
const peers: HttpPeer[] = []
const servers = new Map<string, ServerUid>()
const uid = (name: string): ServerUid => servers.get(name) as ServerUid

beforeAll(async () => {
  room = await openRoom()
  const http = await startEverythingHttp()
  const sse = await startEverythingSse()
  const modern = await startMemoryProxy(join(dir, 'memory.json'))
  peers.push(http, sse, modern)
  servers.set('http', await room.add('http', { url: http.url }))
  servers.set('sse', await room.add('sse', { url: sse.url }))
  servers.set('stdio', await room.add('stdio', { stdio: everythingStdio() }))
  servers.set('modern', await room.add('modern', { url: modern.url }))
  servers.set('files', await room.add('files', { stdio: filesystemStdio(dir) }))
})

afterAll(async () => {
  await room?.close()
  for (const peer of peers) await peer.stop()
  rmSync(dir, { recursive: true, force: true })
})

test('each server is ready after its first sync, in the era it speaks', () => {
  const eras = Object.fromEntries(
    [...servers].map(([name, server]) => [
      name,
      [room.upstreams.health(server).status, room.upstreams.inventory(server)?.era],
    ]),
  )
  expect(eras).toEqual({
    http: ['ready', '2025'],
    sse: ['ready', '2025'],
    stdio: ['ready', '2025'],
    modern: ['ready', '2026'],
    files: ['ready', '2025'],
  })
})

describe.each(['http', 'sse', 'stdio'])('server-everything over %s', (name) => {
  test('lists tools, prompts, resources and templates', () => {
    const inventory = room.upstreams.inventory(uid(name))
    expect(inventory?.tools.map((tool) => tool.name)).toContain('echo')
    expect(inventory?.prompts.length).toBeGreaterThan(2)
    expect(inventory?.resources.length).toBeGreaterThan(2)
    expect(inventory?.templates.length).toBeGreaterThan(0)
    expect(JSON.parse(inventory?.tools[0]?.json ?? '')).toHaveProperty('inputSchema')
  })

  test('answers a tool call', async () => {
    expect(textOf(await room.tool(uid(name), 'echo', { message: 'hello' }))).toContain('hello')
  })

  test('answers a prompt, a resource and a completion', async () => {
    const prompt = await room.call(uid(name), 'prompts/get', { name: 'simple-prompt' })
    expect(prompt.messages).toBeInstanceOf(Array)
    const { resources } = (await room.call(uid(name), 'resources/list')) as { resources: { uri: string }[] }
    const read = await room.call(uid(name), 'resources/read', { uri: resources[0]?.uri ?? '' })
    expect(read.contents).toBeInstanceOf(Array)
    const completed = await room.call(uid(name), 'completion/complete', {
      ref: { type: 'ref/prompt', name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    })
    expect(completed.completion).toMatchObject({ values: ['Engineering'] })
  })

  test('reports progress to the call that asked for it, without a token, before the answer', async () => {
    const heard: Notification[] = []
    const work = room.tool(
      uid(name),
      'trigger-long-running-operation',
      { duration: 0.4, steps: 4 },
      {
        progress: true,
        report: (notification) => heard.push(notification),
      },
    )
    await work
    expect(heard.map((one) => one.params.progress)).toEqual([1, 2, 3, 4])
    expect(heard.every((one) => !('progressToken' in one.params))).toBe(true)
  })

  test('a cancelled call ends at once and the server goes on working', async () => {
    const cancel = new Cancellation()
    const work = room.tool(uid(name), 'trigger-long-running-operation', { duration: 20, steps: 2 }, { cancel })
    setTimeout(() => cancel.cancel('enough'), 50)
    await expect(work).rejects.toMatchObject({ code: 'cancelled' })
    expect(textOf(await room.tool(uid(name), 'echo', { message: 'after' }))).toContain('after')
  })

  test('fifty callers at the same moment each get their own answer', async () => {
    const words = Array.from({ length: 50 }, (_, i) => `word-${i}`)
    const answers = await Promise.all(
      words.map((message, i) => room.tool(uid(name), 'echo', { message }, { who: `user-${i % 7}` })),
    )
    expect(answers.map((answer) => textOf(answer).replace('Echo: ', ''))).toEqual(words)
  })
})

test('a server of 2026 is called without a session', async () => {
  const created = await room.tool(uid('modern'), 'create_entities', {
    entities: [{ name: 'Ada', entityType: 'person', observations: ['counts'] }],
  })
  expect(textOf(created)).toContain('Ada')
  expect(textOf(await room.tool(uid('modern'), 'read_graph', {}))).toContain('counts')
})

test('a directory is listed through a child', async () => {
  expect(textOf(await room.tool(uid('files'), 'list_allowed_directories', {}))).toContain(dir)
})
