/** AccessExplorer. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function AccessExplorer() {
  return (
    <Page {...PAGES.access}>
      <Waiting />
    </Page>
  )
}
