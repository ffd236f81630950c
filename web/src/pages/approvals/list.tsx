/** ApprovalList. */
import { Page } from '../../parts/page.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'

export function ApprovalList() {
  return (
    <Page {...PAGES.approvals}>
      <Waiting />
    </Page>
  )
}
