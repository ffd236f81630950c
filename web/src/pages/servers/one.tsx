/** ServerOne. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function ServerOne() {
  return (
    <Page {...PAGES.servers}>
      <Waiting />
    </Page>
  )
}
