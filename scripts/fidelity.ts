/**
 * Measures what is kept between which ends and writes `docs/reference/fidelity.md`; it takes about a minute. With `--details` it also says
 * what came in each cell that is lost. `test/journeys/fidelity.test.ts` fails where the page is behind.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { measure } from '../test/fidelity/measure.ts'
import { fidelityPage } from './fidelity-page.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'reference', 'fidelity.md')
/** For what may never come. A machine that is busy enough to need longer measures nothing. */
const PATIENCE_MS = 5_000

const cells = await measure(() => PATIENCE_MS)
if (process.argv.includes('--details'))
  for (const { feature, client, server, verdict, detail } of cells)
    if (verdict !== 'kept') console.log(`${verdict}: ${feature}, ${client}, ${server}: ${detail}`)
writeFileSync(PAGE, fidelityPage(cells))
console.log(`wrote ${PAGE}`)
