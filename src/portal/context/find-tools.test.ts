import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { JsonObject } from '../../protocol/model.ts'
import type { Entry } from '../catalog.ts'
import { type FoundTools, findTools, readSought, type Sought } from './find-tools.ts'
import type { View } from './seen-tools.ts'
import { ToolViews } from './tool-views.ts'

const SEEN = { enabled: true, held: false, hidden: false, serverIndex: 0, scope: {}, capability: {} }

function tool(publicName: string, description: string, more: Partial<Entry> = {}): Entry {
  const listed = JSON.stringify({ name: publicName, description, inputSchema: { type: 'object' } })
  return { ...SEEN, publicName, listed, ...more } as unknown as Entry
}

function viewOf(tools: readonly Entry[], { key = 'all', isSeen = (_: Entry): boolean => true } = {}): View {
  const visible = { key, has: [true], may: ({ scope }: Pick<Entry, 'scope'>) => scopes.get(scope) !== false }
  const scopes = new Map(tools.map((entry) => [entry.scope, isSeen(entry)]))
  return { catalog: { entries: () => tools }, visible } as unknown as View
}

function sought(input: JsonObject): Sought {
  const read = readSought(input)
  if (typeof read === 'string') throw new Error(read)
  return read
}

async function find(input: JsonObject, view: View, toolViews = new ToolViews(systemClock)): Promise<FoundTools> {
  const found = await findTools(sought(input), { visit: view, rooms: { toolViews } } as Parameters<typeof findTools>[1])
  if (typeof found === 'string') throw new Error(found)
  return found
}

const namesOf = ({ entries }: FoundTools) => entries.map(({ publicName }) => publicName)

test('words that are too long are refused, and so is a limit that is too high', () => {
  expect(readSought({ query: 'x'.repeat(1000) })).toMatchObject({ limit: 10 })
  expect(readSought({ query: 'x'.repeat(1001) })).toBe('The search has at most 1000 characters.')
  expect(readSought({ regex: 'x'.repeat(1001) })).toBe('The search has at most 1000 characters.')
  expect(readSought({ query: 'x', limit: 51 })).toBe('"limit" must be a whole number from 1 to 50.')
})

test('a search tells of fifty tools at most, and of how many there are', async () => {
  const view = viewOf(Array.from({ length: 60 }, (_, at) => tool(`one_${at}`, 'The same.')))
  for (const input of [{}, { query: 'same' }, { regex: 'same' }]) {
    const found = await find({ ...input, limit: 50 }, view)
    expect(found.entries).toHaveLength(50)
    expect(found.among).toBe(60)
  }
})

describe('of what a caller does not see', () => {
  const tools = [
    tool('issue_open', 'Opens an issue.', { scope: {} as Entry['scope'] }),
    tool('issue_secret', 'Opens a secret issue, a secret one.', { scope: {} as Entry['scope'] }),
    tool('issue_held', '', { held: true, listed: '' }),
    tool('issue_off', 'Opens an issue.', { enabled: false }),
    tool('mail_send', 'Sends mail.', { scope: {} as Entry['scope'] }),
  ]
  const view = viewOf(tools, { isSeen: ({ publicName }) => publicName !== 'issue_secret' })

  test('nothing is found or counted', async () => {
    for (const input of [{}, { query: 'issue secret' }, { regex: 'issue' }]) {
      const found = await find(input, view)
      expect(namesOf(found)).not.toContain('issue_secret')
      expect(found.among).toBe(2)
    }
    expect(namesOf(await find({ query: 'issues' }, view))).toEqual(['issue_open'])
  })

  test('nothing is found after somebody looked who sees it', async () => {
    const views = new ToolViews(systemClock)
    const both = viewOf(tools, { key: 'more' })
    const more = { ...both, catalog: view.catalog }
    expect(namesOf(await find({ query: 'secret' }, more, views))).toEqual(['issue_secret'])
    expect(namesOf(await find({ query: 'secret' }, view, views))).toEqual([])
    expect(views.of(view).inCode.functions).toEqual(['issue_open', 'mail_send'])
    expect(views.of(more).inCode.functions).toEqual(['issue_open', 'issue_secret', 'mail_send'])
  })

  test('no word fills the place of what a word begins', async () => {
    const crowd = Array.from({ length: 100 }, (_, at) => tool(`abc${at}x`, '', { scope: {} as Entry['scope'] }))
    const crowded = viewOf([...crowd, tool('abcz', 'The one.')], { isSeen: ({ publicName }) => publicName === 'abcz' })
    expect(namesOf(await find({ query: 'abc' }, crowded))).toEqual(['abcz'])
  })
})

test('a search whose time is up says so, and the next one goes on where it was', async () => {
  const view = viewOf(Array.from({ length: 100 }, (_, at) => tool(`one_${at}`, 'The same.')))
  // A hundred milliseconds pass whenever somebody looks.
  let ms = 0
  const clock: Clock = { now: () => ms, elapsed: () => (ms += 100) }
  const toolViews = new ToolViews(clock)
  const search = () =>
    findTools(sought({ query: 'same' }), { visit: view, rooms: { toolViews } } as Parameters<typeof findTools>[1])
  expect(await search()).toContain('The search took too long.')
  let found = await search()
  for (let i = 0; i < 20 && typeof found === 'string'; i++) found = await search()
  expect(found).toMatchObject({ among: 100 })
})

test('who sees the same of a catalog shares what is kept, and so many views are kept', () => {
  const views = new ToolViews(systemClock)
  const tools = [tool('one', 'One.')]
  const first = viewOf(tools)
  const same = { ...first, visible: { ...first.visible } }
  const kept = views.of(first)
  expect(views.of(same)).toBe(kept)
  for (let i = 0; i < 64; i++) views.of({ ...first, visible: { ...first.visible, key: `other ${i}` } })
  expect(views.of(first)).not.toBe(kept)
})
