/** ClientList. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function ClientList() {
  return (
    <Page {...PAGES.clients}>
      <Waiting />
    </Page>
  )
}
