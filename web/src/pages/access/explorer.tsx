/** May this person use this tool, and why? The whole question stands in the address, so that an answer can be sent to somebody. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { explanationQuery } from '../../api/access.ts'
import { later } from '../../parts/later.tsx'
import { Page } from '../../parts/page.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { isWhole, openAsked, searchOf } from '../../rules/asked.ts'
import { ACCESS } from '../../words/access.ts'
import { PAGES } from '../../words/shell.ts'
import { Answer } from './answer.tsx'
import { AskForm } from './ask-form.tsx'

const Overview = later(async () => (await import('./overview.tsx')).Overview)

export function AccessExplorer() {
  const asked = openAsked(useSearch({ strict: false }))
  const navigate = useNavigate()
  const isAsked = isWhole(asked)
  const { data, error, refetch } = useQuery({ ...explanationQuery(asked), enabled: isAsked })
  return (
    <Page {...PAGES.access}>
      <AskForm
        key={JSON.stringify(asked)}
        asked={asked}
        onAsk={(next) => void navigate({ to: '/access', search: searchOf({ ...next, deed: '' }) })}
      />
      {!isAsked ? (
        <Nothing {...ACCESS.none} />
      ) : error !== null ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting />
      ) : (
        <>
          <Answer explained={data} asked={asked} />
          {asked.name === '' && asked.deed === '' && <Overview asked={asked} portal={data.asked.portal} />}
        </>
      )}
    </Page>
  )
}
