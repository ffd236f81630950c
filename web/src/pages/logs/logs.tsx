/** Logs. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function Logs() {
  return (
    <Page {...PAGES.logs}>
      <Waiting />
    </Page>
  )
}
