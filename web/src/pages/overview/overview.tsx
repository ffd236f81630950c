/** Overview. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function Overview() {
  return (
    <Page {...PAGES.overview}>
      <Waiting />
    </Page>
  )
}
