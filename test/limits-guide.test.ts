/** The guide about limits held against the source: what it shows is taken, and says what its comments say. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDeclared } from '../src/admin/declared-shapes.ts'
import { readLimits } from '../src/contract/limits-on-calls.ts'
import { LABELS } from '../src/contract/reach.ts'
import { serverUpdate } from '../src/contract/server.ts'
import { METRICS } from '../src/metrics/figures.ts'

const GUIDE = readFileSync(join(import.meta.dirname, '../docs/guides/limits.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text)

const NOTHING = { servers: [], portals: [], policies: [] }

test('limits.md: each configuration is one that the portal takes', () => {
  const shown = blocks('yaml').map((text) => readDeclared({ ...NOTHING, ...parse(text) }))
  expect(shown).toHaveLength(2)
  const [limited, labelled] = shown
  expect(readLimits(limited?.servers[0]?.limits ?? [])).toEqual([
    { per: 'principal', tools: null, calls: 50, windowMs: 60_000, concurrency: null },
    {
      per: 'principal',
      tools: ['create_issue', 'merge_pull_request'],
      calls: 5,
      windowMs: 3_600_000,
      concurrency: null,
    },
    { per: 'all', tools: null, calls: null, windowMs: null, concurrency: 10 },
  ])
  expect(readLimits(limited?.portals[0]?.limits ?? [])).toMatchObject([{ calls: 300, windowMs: 300_000 }])
  const labels = labelled?.servers.flatMap((one) => [
    ...(one.labels ?? []),
    ...(one.updated_tools ?? []).flatMap((tool) => tool.labels ?? []),
  ])
  expect(labels?.sort()).toEqual([...LABELS].sort())
  expect(labelled?.portals[0]?.policies?.[0]).toBe(labelled?.policies.find(({ capabilities }) => capabilities)?.id)
})

test('limits.md: what it sends to the API is taken', () => {
  const [, body = ''] = /-d '(.*?)'/.exec(blocks('sh').join()) ?? []
  expect(readLimits(serverUpdate.parse(JSON.parse(body)).limits ?? [])).toHaveLength(1)
})

test('limits.md: the metric that it names is one', () => {
  const [, named] = /`(portico_calls\w+)`/.exec(GUIDE) ?? []
  expect(METRICS.map(({ name }) => name)).toContain(named)
})
