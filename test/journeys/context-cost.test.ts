/** `docs/reference/context.md` says what tools cost a model in each mode, and that is what is measured. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { type Measured, measure } from '../../bench/context/measure.ts'
import { CALLED, contextPage, MOST_IN_CODE_MODE } from '../../scripts/context-page.ts'

const PAGE = fileURLToPath(new URL('../../docs/reference/context.md', import.meta.url))
/** Ten thousand are measured by hand: they take as long as all others together. */
const HERE = ['one', 'four', 'real', 'thousand'] as const

const measured: Measured[] = []
beforeAll(async () => {
  for (const set of HERE) measured.push(await measure(set))
})

// [COST-1]
test('the page on what context costs says what is measured, before the first word and for whole tasks', () => {
  const lines = readFileSync(PAGE, 'utf8').split('\n')
  const told = lines.filter((line) => !line.startsWith(`| ${CALLED['ten-thousand']} `))
  expect(told.join('\n')).toBe(contextPage(measured))
  expect(lines.length - told.length).toBe(4)
})

// [CONTEXT-3]
test('in code mode a thousand tools cost a model seven hundred tokens at most, instructions included', () => {
  const { modes, tools } = measured.find(({ set }) => set === 'thousand') ?? { modes: [], tools: 0 }
  const { listed = Infinity, instructions = Infinity } = modes.find(({ mode }) => mode === 'code_mode') ?? {}
  expect(tools).toBe(1000)
  expect(listed + instructions).toBeLessThanOrEqual(MOST_IN_CODE_MODE)
})
