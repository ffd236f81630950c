/** PolicyOne. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function PolicyOne() {
  return (
    <Page {...PAGES.policies}>
      <Waiting />
    </Page>
  )
}
