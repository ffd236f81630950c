/** PortalOne. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function PortalOne() {
  return (
    <Page {...PAGES.portals}>
      <Waiting />
    </Page>
  )
}
