/** PortalList. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function PortalList() {
  return (
    <Page {...PAGES.portals}>
      <Waiting />
    </Page>
  )
}
