/** All servers: what each is, and whether it is well. */
import { Button, Group, NativeSelect, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { useMay } from '../../api/me.ts'
import { serversQuery } from '../../api/servers.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Page } from '../../parts/page.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { SERVERS } from '../../words/servers.ts'
import { PAGES } from '../../words/shell.ts'
import { STATUS_COLOR } from './status-color.ts'
import { useSearchText } from './use-search-text.ts'

const COLUMNS: readonly Column<ServerShown>[] = [
  { title: SERVERS.columns.name, width: 'minmax(8rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: SERVERS.columns.status, width: 'minmax(8rem, 3fr)', cell: (server) => <Status server={server} /> },
  { title: SERVERS.columns.where, width: 'minmax(8rem, 3fr)', cell: ({ hostname }) => <Foreign text={hostname} /> },
  { title: SERVERS.columns.tools, width: '4rem', cell: ({ tool_count }) => tool_count },
  { title: SERVERS.columns.held, width: '4rem', cell: ({ held_definitions: held }) => (held === 0 ? '' : held) },
  { title: SERVERS.columns.synced, width: '9rem', cell: ({ last_synced }) => <When at={last_synced} /> },
]

function Status({ server: { status, error } }: { server: ServerShown }) {
  return (
    <Group gap="xs" wrap="nowrap" title={error}>
      <Mark color={STATUS_COLOR[status]}>{SERVERS.status[status]}</Mark>
      {error !== undefined && (
        <Text size="xs" c="dimmed" truncate>
          {error}
        </Text>
      )}
    </Group>
  )
}

export function ServerList() {
  const { data, error, refetch } = useQuery(serversQuery)
  const may = useMay('servers:write')
  const add = <Button renderRoot={(props) => <Link to="/servers/new" {...props} />}>{SERVERS.add}</Button>
  return (
    <Page {...PAGES.servers} actions={may && data !== undefined && data.length > 0 ? add : undefined}>
      {error ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting />
      ) : data.length === 0 ? (
        <Nothing {...SERVERS.none}>{may ? add : undefined}</Nothing>
      ) : (
        <Found servers={data} />
      )}
    </Page>
  )
}

function Found({ servers }: { servers: readonly ServerShown[] }) {
  const [text, setText] = useSearchText('q')
  const [status, setStatus] = useSearchText('status')
  const wanted = text.toLowerCase()
  const found = servers.filter(
    (server) =>
      (status === '' || server.status === status) &&
      [server.id, server.name, server.hostname, server.error ?? ''].some((one) => one.toLowerCase().includes(wanted)),
  )
  return (
    <>
      <Group align="flex-end" gap="sm">
        <TextInput
          label={COMMON.search}
          placeholder={SERVERS.filter.search}
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
          style={{ flex: '1 1 12rem' }}
        />
        <NativeSelect
          label={SERVERS.filter.status}
          value={status}
          onChange={({ currentTarget }) => setStatus(currentTarget.value)}
          data={[
            { value: '', label: SERVERS.filter.any },
            ...Object.entries(SERVERS.status).map(([value, label]) => ({ value, label })),
          ]}
        />
      </Group>
      <Text size="sm" c="dimmed" role="status">
        {found.length === 0 ? COMMON.nothingMatches : COMMON.count(found.length, servers.length)}
      </Text>
      <Rows
        label={PAGES.servers.title}
        rows={found}
        columns={COLUMNS}
        idOf={({ id }) => id}
        minWidth={54}
        linkOf={({ id }) => ({ to: '/servers/$id', params: { id } })}
      />
    </>
  )
}
