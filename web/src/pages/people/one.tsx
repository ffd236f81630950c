/** PersonOne. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function PersonOne() {
  return (
    <Page {...PAGES.people}>
      <Waiting />
    </Page>
  )
}
