/** Two people, one server, each with an account of their own there: whatever they list, call, read or complete through the portal, in either era, is theirs. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Notes, openPeopleRoom, type PeopleRoom } from '../support/oauth-upstream/room.ts'

let room: PeopleRoom
let notes: Notes
const PEOPLE = ['alice', 'bob'] as const

beforeAll(async () => {
  room = await openPeopleRoom()
  notes = await room.addNotes()
  for (const name of PEOPLE) await notes.connect(name)
})
afterAll(() => room?.close())

async function withClient<T>(
  name: (typeof PEOPLE)[number],
  mode: 'legacy' | { pin: string },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ name: 'own', version: '1' }, { versionNegotiation: { mode } })
  const headers = { authorization: `Bearer ${room.token(name)}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${room.portal.url}/mcp`), { requestInit: { headers } }),
  )
  return work(client).finally(() => client.close())
}

describe.each([
  ['2025', 'legacy'],
  ['2026', { pin: '2026-07-28' }],
] as const)('in the era of %s', (_, mode) => {
  // [OWN-1]
  test.each(PEOPLE)('%s meets an account of their own, by every method', async (name) => {
    await withClient(name, mode, async (client) => {
      const other = name === 'alice' ? 'bob' : 'alice'
      const { id } = notes
      const { tools } = await client.listTools()
      expect(tools.some((tool) => tool.name === `${id}_alices_tool`)).toBe(name === 'alice')
      const called = await client.callTool({ name: `${id}_whoami`, arguments: {} })
      expect(called.content).toEqual([{ type: 'text', text: name }])
      const { messages } = await client.getPrompt({ name: `${id}_greet`, arguments: { whom: 'Eve' } })
      expect(messages[0]?.content).toEqual({ type: 'text', text: `${name} greets Eve` })
      const { resources } = await client.listResources()
      const mine = resources.find(({ name }) => name.includes('mine'))
      const read = await client.readResource({ uri: mine?.uri ?? 'note://mine' })
      expect(JSON.stringify(read.contents)).toContain(`the note of ${name}`)
      const ref = { type: 'ref/prompt' as const, name: `${id}_greet` }
      const { completion } = await client.complete({ ref, argument: { name: 'whom', value: name.slice(0, 2) } })
      expect(completion.values).toEqual([`${name}-one`, `${name}-two`])
      expect(JSON.stringify([called, messages, read, completion])).not.toContain(other)
    })
  })
})

test('who asks what a person’s model is shown is not told what their own account lists', async () => {
  const path = '/access/ai-controls/mcp/portals/default/context?user=alice@acme.test'
  const { status, body } = await room.portal.api<{ remarks: string[]; modes: { mode: string; tools: unknown[] }[] }>(
    'GET',
    path,
  )
  expect(status).toBe(200)
  expect(body.result.modes.find(({ mode }) => mode === 'all')?.tools.length).toBeGreaterThan(0)
  expect(JSON.stringify(body)).not.toContain('alices_tool')
  expect(body.result.remarks).toContainEqual(expect.stringContaining('their own accounts'))
  await withClient('alice', 'legacy', async (client) => {
    expect((await client.listTools()).tools.some(({ name }) => name.endsWith('alices_tool'))).toBe(true)
  })
})
