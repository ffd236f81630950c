/** ServerNew. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function ServerNew() {
  return (
    <Page {...PAGES.servers}>
      <Waiting />
    </Page>
  )
}
