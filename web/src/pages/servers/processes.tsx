/** The processes of a server that is a program. */
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ProcessShown } from '../../../../src/contract/server-look.ts'
import { processesQuery } from '../../api/servers.ts'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { PROCESSES as SAYS, SERVERS } from '../../words/servers.ts'

const MEGABYTE = 1024 * 1024

const COLUMNS: readonly Column<ProcessShown>[] = [
  { title: SAYS.columns.pid, width: '6rem', cell: ({ pid }) => pid },
  { title: SAYS.columns.whose, width: 'minmax(7rem, 1fr)', cell: ({ whose }) => SAYS.whose[whose] },
  { title: SAYS.columns.started, width: 'minmax(8rem, 1fr)', cell: ({ started_at }) => <When at={started_at} /> },
  { title: SAYS.columns.calls, width: '8rem', cell: ({ in_flight }) => in_flight },
  {
    title: SAYS.columns.memory,
    width: '6rem',
    cell: ({ memory_bytes: bytes }) => (bytes === undefined ? '' : `${Math.round(bytes / MEGABYTE)} MiB`),
  },
]

export function Processes({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(processesQuery(id))
  if (error !== null) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting rows={2} />
  if (data.length === 0) return <Nothing {...SAYS.none} />
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {SAYS.says}
      </Text>
      <Rows label={SERVERS.tabs.processes} rows={data} columns={COLUMNS} idOf={({ pid }) => String(pid)} />
    </Stack>
  )
}
