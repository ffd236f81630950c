/** A policy of one portal’s or server’s own: the same form, below what it belongs to. */
import { useQuery } from '@tanstack/react-query'
import { Navigate, useParams, useSearch } from '@tanstack/react-router'
import { appQuery, ownPolicyQuery } from '../../api/policies.ts'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { PAGES } from '../../words/shell.ts'
import { PolicyEditor } from './policy-form.tsx'
import { openPrefill } from './prefill.ts'

export function OwnPolicy() {
  const { app = '', id = '' } = useParams({ strict: false })
  const search = useSearch({ strict: false })
  const owner = useQuery(appQuery(app))
  const policy = useQuery(ownPolicyQuery(app, id))
  const error = owner.error ?? policy.error
  // Made reusable, it is one of those that others name, and its place is there.
  if (policy.data?.reusable) return <Navigate to="/policies/$id" params={{ id }} search={search} replace />
  if (error === null && owner.data !== undefined && policy.data !== undefined) {
    return <PolicyEditor key={id} stored={policy.data} owner={owner.data} prefill={openPrefill(search)} />
  }
  const again = () => void Promise.all([owner.refetch(), policy.refetch()])
  return (
    <Page title={PAGES.policies.title} above={[['/policies', PAGES.policies.title]]}>
      {error ? <ProblemNote error={error} again={again} /> : <Waiting />}
    </Page>
  )
}
