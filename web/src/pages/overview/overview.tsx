/** The first page: is all well, what is going on, and what is still to do. It is read again every few seconds, without a word. */
import { Button, Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { overviewQuery } from '../../api/overview.ts'
import { Page } from '../../parts/page.tsx'
import { Nothing, ProblemNote } from '../../parts/told.tsx'
import { COMMON } from '../../words/common.ts'
import { OVERVIEW } from '../../words/overview.ts'
import { PAGES } from '../../words/shell.ts'
import { Checklist } from './checklist.tsx'
import { Figures } from './figures.tsx'
import { Health } from './health.tsx'
import { RangeChoice, useRange } from './range.tsx'
import { Tops } from './tops.tsx'
import { Traffic } from './traffic.tsx'

export function Overview() {
  const { range, hours } = useRange()
  const { data, error, refetch } = useQuery(overviewQuery(hours))
  return (
    <Page {...PAGES.overview} actions={<RangeChoice range={range} />}>
      {error !== null && <ProblemNote error={error} again={() => void refetch()} />}
      {data === undefined ? error === null && <Coming /> : <Shown overview={data} hours={hours} />}
    </Page>
  )
}

function Shown({ overview, hours }: { overview: OverviewShown; hours: number }) {
  const { calls, slots, checklist } = overview
  return (
    <>
      <Checklist steps={checklist} />
      {calls.total === 0 ? (
        <Quiet isNew={checklist.some(({ step, done }) => step === 'client' && !done)} />
      ) : (
        <Figures overview={overview} />
      )}
      <Health overview={overview} />
      {calls.total > 0 && (
        <>
          <Traffic slots={slots} hours={hours} />
          <Tops overview={overview} />
        </>
      )}
    </>
  )
}

/** @param isNew nobody has ever called */
function Quiet({ isNew }: { isNew: boolean }) {
  if (!isNew) return <Nothing {...OVERVIEW.noneNow} />
  const { title, says, to } = OVERVIEW.none
  return (
    <Nothing title={title} says={says}>
      <Button variant="default" renderRoot={(props) => <Link to="/portals" {...props} />}>
        {to}
      </Button>
    </Nothing>
  )
}

function Coming() {
  return (
    <Stack gap="lg" aria-busy="true" aria-label={COMMON.loading} role="status">
      <Skeleton height={96} />
      <Skeleton height={160} />
      <Skeleton height={340} />
    </Stack>
  )
}
