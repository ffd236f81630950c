/**
 * Measures what the portal costs a model in tokens and writes `docs/reference/context.md`; ten thousand tools take most of the minute
 * that it needs. `test/journeys/context-cost.test.ts` fails where the page is behind.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Measured, measure, SETS } from '../bench/context/measure.ts'
import { contextPage } from './context-page.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'reference', 'context.md')

const measured: Measured[] = []
for (const set of SETS) measured.push(await measure(set))
writeFileSync(PAGE, contextPage(measured))
console.log(`wrote ${PAGE}`)
