/** Settings. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function Settings() {
  return (
    <Page {...PAGES.settings}>
      <Waiting />
    </Page>
  )
}
