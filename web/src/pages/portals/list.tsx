/** All portals: where each is reached, and what is behind it. */
import { Button, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { PortalSummary } from '../../../../src/contract/portal.ts'
import { meQuery, useMay } from '../../api/me.ts'
import { portalsQuery } from '../../api/portals.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { FromFileBadge } from '../../parts/from-file.tsx'
import { Page } from '../../parts/page.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { useFind } from '../../parts/use-find.ts'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { PORTALS } from '../../words/portals.ts'
import { PAGES } from '../../words/shell.ts'
import { addressesOf } from './address.ts'

const { columns: TITLES } = PORTALS

const columnsFor = (base: string): readonly Column<PortalSummary>[] => [
  {
    title: TITLES.name,
    width: 'minmax(10rem, 2fr)',
    cell: ({ name, origin }) => (
      <>
        <Foreign text={name} fw={600} /> <FromFileBadge origin={origin} />
      </>
    ),
  },
  {
    title: TITLES.address,
    width: 'minmax(14rem, 3fr)',
    cell: (portal) => <Foreign text={addressesOf(portal, base).best} />,
  },
  { title: TITLES.servers, width: '5rem', cell: ({ server_ids }) => server_ids.length },
  { title: TITLES.tools, width: '5rem', cell: ({ tool_count }) => tool_count },
  { title: TITLES.policies, width: '5rem', cell: ({ policies }) => policies.length },
  { title: TITLES.changed, width: '8rem', cell: ({ modified_at }) => <When at={modified_at} /> },
]

export function PortalList() {
  const { data, error, refetch } = useQuery(portalsQuery)
  const { data: me } = useQuery(meQuery)
  const may = useMay('portals:write')
  const [find, type] = useFind()
  const wanted = find.toLowerCase()
  const shown = data?.filter(({ id, name, hostname }) => `${id} ${name} ${hostname}`.toLowerCase().includes(wanted))
  const add = may && <Button renderRoot={(props) => <Link to="/portals/new" {...props} />}>{PORTALS.add}</Button>
  return (
    <Page {...PAGES.portals} actions={add}>
      {error ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : shown === undefined || data === undefined || me === undefined ? (
        <Waiting />
      ) : data.length === 0 ? (
        <Nothing {...PORTALS.none}>{add}</Nothing>
      ) : (
        <>
          <TextInput
            aria-label={PORTALS.find}
            placeholder={PORTALS.find}
            value={find}
            onChange={(event) => type(event.currentTarget.value)}
          />
          {shown.length === 0 ? (
            <Nothing title={COMMON.nothingMatches} says="" />
          ) : (
            <Rows
              label={PAGES.portals.title}
              rows={shown}
              columns={columnsFor(me.url)}
              idOf={({ id }) => id}
              minWidth={54}
              linkOf={({ id }) => ({ to: '/portals/$id', params: { id } })}
            />
          )}
        </>
      )}
    </Page>
  )
}
