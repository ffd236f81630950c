/** Calls that wait for people to agree, and those that were decided. Which one is open stands in the address, so that it can be sent to somebody. */
import { Group, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ApprovalShown } from '../../../../src/contract/approval.ts'
import { approvalsQuery } from '../../api/approvals.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Page } from '../../parts/page.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { beside } from '../../parts/spot.ts'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { useFind } from '../../parts/use-find.ts'
import { When } from '../../parts/when.tsx'
import { APPROVALS } from '../../words/approvals.ts'
import { COMMON } from '../../words/common.ts'
import { PAGES } from '../../words/shell.ts'
import { ApprovalOne } from './one.tsx'
import { STATE_COLOR } from './state-color.ts'

const STATES = ['open', 'approved', 'used', 'rejected', 'expired'] as const
const { columns: TITLES } = APPROVALS

const COLUMNS: readonly Column<ApprovalShown>[] = [
  {
    title: TITLES.state,
    width: '10rem',
    cell: ({ state }) => <Mark color={STATE_COLOR[state]}>{APPROVALS.states[state]}</Mark>,
  },
  {
    title: TITLES.who,
    width: 'minmax(9rem, 2fr)',
    isName: true,
    cell: ({ requester }) => <Foreign text={requester.label} fw={600} />,
  },
  { title: TITLES.what, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name ?? ''} /> },
  { title: TITLES.server, width: 'minmax(6rem, 1fr)', cell: ({ server_id }) => <Foreign text={server_id ?? ''} /> },
  {
    title: TITLES.agreed,
    width: '5rem',
    cell: ({ groups }) =>
      APPROVALS.agreed(
        groups.reduce((sum, { given }) => sum + given, 0),
        groups.reduce((sum, { approvals_needed }) => sum + approvals_needed, 0),
      ),
  },
  { title: TITLES.asked, width: '8rem', cell: ({ created_at }) => <When at={created_at} /> },
  {
    title: TITLES.until,
    width: '8rem',
    cell: ({ state, expires_at }) => (state === 'open' || state === 'approved' ? <When at={expires_at} /> : ''),
  },
]

export function ApprovalList() {
  const { data, error, refetch } = useQuery(approvalsQuery)
  const [find, type] = useFind()
  const { state, id } = useSearch({ strict: false })
  const navigate = useNavigate()
  const put = (part: Record<string, string | undefined>) =>
    void navigate({ to: '.', search: (before) => ({ ...before, ...part }), replace: true })
  const wanted = find.toLowerCase()
  const shown = data?.filter(
    (one) =>
      (state === undefined || one.state === state) &&
      `${one.requester.label} ${one.name} ${one.server_id}`.toLowerCase().includes(wanted),
  )
  return (
    <Page {...PAGES.approvals}>
      {error && data === undefined ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : shown === undefined ? (
        <Waiting />
      ) : data?.length === 0 ? (
        <Nothing {...APPROVALS.none} />
      ) : (
        <>
          <Group align="flex-end">
            <TextInput
              label={APPROVALS.find}
              value={find}
              onChange={(event) => type(event.currentTarget.value)}
              style={{ flex: '1 1 14rem' }}
            />
            <Select
              label={APPROVALS.state}
              placeholder={APPROVALS.all}
              data={STATES.map((value) => ({ value, label: APPROVALS.states[value] }))}
              value={STATES.find((one) => one === state) ?? null}
              onChange={(to) => put({ state: to ?? undefined })}
              clearable
              clearButtonProps={{ 'aria-label': APPROVALS.all }}
            />
          </Group>
          {shown.length === 0 ? (
            <Nothing title={COMMON.nothingMatches} says="" />
          ) : (
            <Rows
              label={PAGES.approvals.title}
              rows={shown}
              columns={COLUMNS}
              idOf={(one) => one.id}
              minWidth={58}
              linkOf={(one) => beside({ id: one.id })}
            />
          )}
        </>
      )}
      {id !== undefined && id !== '' && <ApprovalOne id={id} close={() => put({ id: undefined })} />}
    </Page>
  )
}
