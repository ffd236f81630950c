/** All servers: what each is, and whether it is well. */
import { useQuery } from '@tanstack/react-query'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { serversQuery } from '../../api/servers.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Page } from '../../parts/page.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { SERVERS } from '../../words/servers.ts'
import { PAGES } from '../../words/shell.ts'

const COLOR = { ready: 'green', waiting: 'gray', stale: 'yellow', error: 'red' } as const

const COLUMNS: readonly Column<ServerShown>[] = [
  { title: SERVERS.columns.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  {
    title: SERVERS.columns.status,
    width: '9rem',
    cell: ({ status }) => <Mark color={COLOR[status]}>{SERVERS.status[status]}</Mark>,
  },
  { title: SERVERS.columns.where, width: 'minmax(8rem, 3fr)', cell: ({ hostname }) => <Foreign text={hostname} /> },
  { title: SERVERS.columns.tools, width: '4rem', cell: ({ tools }) => tools.length },
  { title: SERVERS.columns.synced, width: '9rem', cell: ({ last_synced }) => <When at={last_synced} /> },
]

export function ServerList() {
  const { data, error, refetch } = useQuery(serversQuery)
  return (
    <Page {...PAGES.servers}>
      {error ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting />
      ) : data.length === 0 ? (
        <Nothing {...SERVERS.none} />
      ) : (
        <Rows label={PAGES.servers.title} rows={data} columns={COLUMNS} idOf={({ id }) => id} />
      )}
    </Page>
  )
}
