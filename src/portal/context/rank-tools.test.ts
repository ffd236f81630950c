import { expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import type { Entry } from '../catalog.ts'
import { Pace } from './pace.ts'
import { rankTools } from './rank-tools.ts'
import { toolWords } from './tool-words.ts'

function tool(name: string, description: string, parameters: Record<string, string> = {}): Entry {
  const properties = Object.fromEntries(Object.entries(parameters).map(([key, about]) => [key, { description: about }]))
  const listed = JSON.stringify({ name, description, inputSchema: { type: 'object', properties } })
  return { publicName: name, listed } as unknown as Entry
}

const TOOLS = [
  tool('github_create_issue', 'Opens a new issue in a repository.', { title: 'Of the issue' }),
  tool('github_search_issues', 'Finds issues by words.', { query: '' }),
  tool('github_mergePullRequest', 'Merges.', { pullNumber: '' }),
  tool('mail_send_message', 'Sends mail to a recipient.', { recipient: 'Whom it is for' }),
  tool('calendar_create_event', 'Adds an event.', { start: '', attendees: 'Recipients of the invitation' }),
]

async function find(query: string, tools: readonly Entry[] = TOOLS): Promise<string[]> {
  const ranked = await rankTools(query, tools.map(toolWords), new Pace(systemClock, 10_000))
  return ranked.map((at) => tools[at]?.publicName ?? '')
}

test('words in a name count more than the same words elsewhere', async () => {
  expect((await find('create issue'))[0]).toBe('github_create_issue')
  expect((await find('send mail'))[0]).toBe('mail_send_message')
  expect(await find('recipient')).toEqual(['mail_send_message', 'calendar_create_event'])
})

test('words are found in names that are written as one, in plurals, in parameters, and where they begin a word', async () => {
  expect((await find('pull request'))[0]).toBe('github_mergePullRequest')
  expect(await find('issues')).toEqual(expect.arrayContaining(['github_create_issue', 'github_search_issues']))
  expect(await find('attendee')).toEqual(['calendar_create_event'])
  expect(await find('invit')).toEqual(['calendar_create_event'])
})

test('words that nothing has find nothing, and no words neither', async () => {
  expect(await find('zebra')).toEqual([])
  expect(await find('!!!')).toEqual([])
  expect(await find('issue', [])).toEqual([])
})

test('two letters stand for themselves, and not for all that they begin', async () => {
  expect(await find('at')).toEqual([])
  expect(await find('att')).toEqual(['calendar_create_event'])
})
