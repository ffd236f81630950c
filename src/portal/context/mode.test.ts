import { expect, test } from 'vitest'
import { type AskedMode, askedIn, modeOf } from './mode.ts'

const cases = [
  { codeMode: 'off', contextMode: 'off', query: '', mode: 'all' },
  { codeMode: 'off', contextMode: 'off', query: 'codemode=search_and_execute', mode: 'all' },
  { codeMode: 'opt_in', contextMode: 'off', query: '', mode: 'all' },
  { codeMode: 'opt_in', contextMode: 'off', query: 'codemode=search_and_execute', mode: 'code_mode' },
  { codeMode: 'opt_in', contextMode: 'minimize_tools', query: 'codemode=false', mode: 'minimize_tools' },
  { codeMode: 'default_on', contextMode: 'off', query: '', mode: 'code_mode' },
  { codeMode: 'default_on', contextMode: 'off', query: 'codemode=off', mode: 'all' },
  { codeMode: 'default_on', contextMode: 'off', query: 'codemode=false', mode: 'all' },
  {
    codeMode: 'default_on',
    contextMode: 'off',
    query: 'codemode=off&optimize_context=minimize_tools',
    mode: 'minimize_tools',
  },
  { codeMode: 'enforced', contextMode: 'off', query: 'codemode=off', mode: 'code_mode' },
  { codeMode: 'enforced', contextMode: 'off', query: 'optimize_context=minimize_tools', mode: 'code_mode' },
  { codeMode: 'opt_in', contextMode: 'off', query: 'optimize_context=minimize_tools', mode: 'minimize_tools' },
  { codeMode: 'opt_in', contextMode: 'off', query: 'optimize_context=search_and_execute', mode: 'search_and_execute' },
  { codeMode: 'opt_in', contextMode: 'search_and_execute', query: '', mode: 'search_and_execute' },
  { codeMode: 'opt_in', contextMode: 'search_and_execute', query: 'optimize_context=off', mode: 'all' },
  { codeMode: 'opt_in', contextMode: 'off', query: 'other=1', mode: 'all' },
] as const

for (const { query, mode, ...settings } of cases) {
  const { codeMode, contextMode } = settings
  test(`code mode ${codeMode}, context ${contextMode}, URL ?${query}: ${mode}`, () => {
    expect(modeOf(askedIn(query) as AskedMode, settings)).toBe(mode)
  })
}

test('a value that there is none of is said, with those that there are', () => {
  expect(askedIn('codemode=on')).toEqual({
    wrong: expect.stringContaining('"codemode" must be one of search_and_execute, off, false'),
  })
  expect(askedIn('optimize_context=all')).toEqual({
    wrong: expect.stringContaining('"optimize_context" must be one of minimize_tools, search_and_execute, off'),
  })
})
