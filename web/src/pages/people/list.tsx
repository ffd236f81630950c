/** PeopleList. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function PeopleList() {
  return (
    <Page {...PAGES.people}>
      <Waiting />
    </Page>
  )
}
