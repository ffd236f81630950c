/** One policy, or a new one: the rule, in words and as a form, where it decides, and what it would do. */
import { useQuery } from '@tanstack/react-query'
import { useParams, useSearch } from '@tanstack/react-router'
import { policyQuery } from '../../api/policies.ts'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'
import { PolicyEditor } from './policy-form.tsx'
import { openPrefill } from './prefill.ts'

export function PolicyOne() {
  const { id = 'new' } = useParams({ strict: false })
  const search = useSearch({ strict: false })
  const isNew = id === 'new'
  const { data, error, refetch } = useQuery({ ...policyQuery(id), enabled: !isNew })
  const prefill = openPrefill(search)
  if (isNew || data !== undefined) {
    return <PolicyEditor key={id} stored={isNew ? undefined : data} owner={undefined} prefill={prefill} />
  }
  return (
    <Page title={PAGES.policies.title} above={[['/policies', PAGES.policies.title]]}>
      {error ? <ProblemNote error={error} again={() => void refetch()} /> : <Waiting />}
    </Page>
  )
}
