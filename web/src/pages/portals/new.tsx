/** PortalNew. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function PortalNew() {
  return (
    <Page {...PAGES.portals}>
      <Waiting />
    </Page>
  )
}
