import { expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import type { Entry } from '../catalog.ts'
import { Pace, TooLong } from './pace.ts'
import { toolPattern } from './tool-pattern.ts'

function tool(name: string, description: string, parameters: readonly string[] = []): Entry {
  const properties = Object.fromEntries(parameters.map((key) => [key, { type: 'string' }]))
  const listed = JSON.stringify({ name, description, inputSchema: { type: 'object', properties } })
  return { publicName: name, listed } as unknown as Entry
}

const TOOLS = [
  tool('git_create_issue', 'Opens an issue.', ['title']),
  tool('git_list_pulls', 'Lists pull requests.', ['state']),
  tool('mail_send', 'Sends a message.', ['recipient']),
]

async function names(source: string, most = 10): Promise<string[] | string> {
  const pattern = toolPattern(source)
  if (typeof pattern === 'string') return pattern
  return (await pattern.select(TOOLS, most, new Pace(systemClock, 1000))).map(({ publicName }) => publicName)
}

test('a pattern finds tools by name, description or schema, in their order, whatever the case', async () => {
  expect(await names('^GIT_')).toEqual(['git_create_issue', 'git_list_pulls'])
  expect(await names('sends a')).toEqual(['mail_send'])
  expect(await names('"recipient"')).toEqual(['mail_send'])
  expect(await names('i', 2)).toEqual(['git_create_issue', 'git_list_pulls'])
  expect(await names('nothing')).toEqual([])
})

test('what is no pattern, or more than one may ask, is said in words', async () => {
  expect(await names('(')).toContain('is no RE2 pattern')
  expect(await names('(?=a)')).toContain('neither look-around')
  expect(await names('a'.repeat(300))).toContain('at most 256 characters')
  expect(await names('[a-z]{500}[a-z]{600}')).toContain('too large')
})

test('what stands far back in a description is not looked at', async () => {
  const [near, far] = [tool('near', `${'x'.repeat(16_000)} zebra`), tool('far', `${'x'.repeat(17_000)} zebra`)]
  const pattern = toolPattern('zebra')
  if (typeof pattern === 'string') throw new Error(pattern)
  expect(await pattern.select([far, near], 10, new Pace(systemClock, 1000))).toEqual([near])
})

test('patterns that make others run for ever take no longer here, and a search comes to an end', async () => {
  const many = Array.from({ length: 300 }, (_, at) => tool(`s_${at}`, `${'a'.repeat(3000)}!`))
  for (const source of ['(a+)+$', '(a|aa)+$', '(.*a){12}x', '([a-z]+)*[0-9]']) {
    const pattern = toolPattern(source)
    if (typeof pattern === 'string') continue
    const since = systemClock.elapsed()
    await pattern.select(many, 10, new Pace(systemClock, 200)).catch((error) => expect(error).toBeInstanceOf(TooLong))
    expect(systemClock.elapsed() - since).toBeLessThan(2000)
  }
})
