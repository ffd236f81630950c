/** How a server is: in one sentence, with what is wrong and what can be done about it. */
import { Alert, Anchor, Button, Group, List, Loader, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { useMay } from '../../api/me.ts'
import { deleteServer, syncServer } from '../../api/servers.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { ACCOUNT } from '../../words/credentials.ts'
import { NEW_SERVER, ONE_SERVER as SAYS, SERVERS } from '../../words/servers.ts'
import { Account } from './account.tsx'
import { BehindPortals } from './behind.tsx'
import { type CameBack, useComeBack } from './come-back.ts'
import { STATUS_COLOR } from './status-color.ts'

const DONE = { color: 'green', closeButtonProps: { 'aria-label': COMMON.close } } as const

/** A title in the colour of its state is too pale on the pale ground of that colour (WCAG 2.2, 1.4.3). */
const PLAIN_TITLE = { title: { color: 'var(--mantine-color-text)' } } as const

export function ServerOverview({ server }: { server: ServerShown }) {
  const lock = useLock('servers:write', server.origin)
  const came = useComeBack(server)
  // Ended since, by whomever: what stands below is newer.
  const isPast = came?.kind === 'synced' && server.connection?.status !== 'ready'
  return (
    <Stack maw="52rem">
      {came !== null && !isPast && <Back came={came} />}
      <StatusNote server={server} />
      <Account server={server} />
      <Deeds server={server} isLocked={lock !== null} />
      <BehindPortals server={server} />
      <Facts facts={factsOf(server)} />
      <LockNote lock={lock} />
    </Stack>
  )
}

/** What became of the way to the sign-in there and back. */
function Back({ came }: { came: CameBack }) {
  switch (came.kind) {
    case 'syncing':
      return (
        <Group gap="sm" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">{ACCOUNT.syncing}</Text>
        </Group>
      )
    case 'synced':
      // What went wrong stands below, as it does after every sync.
      return came.sync.status === 'ready' ? (
        <Alert variant="light" color="green" role="status">
          {ACCOUNT.synced(came.sync.tool_count, came.sync.prompt_count)}
        </Alert>
      ) : null
    case 'failed':
      return <ProblemNote error={came.error} />
    case 'not-yet':
      return (
        <Alert variant="light" color="yellow" role="status">
          {ACCOUNT.notYet}
        </Alert>
      )
  }
}

function StatusNote({ server }: { server: ServerShown }) {
  const { status, error, error_details: details } = server
  const more =
    details === undefined
      ? []
      : [
          ...(details.status_code === undefined ? [] : [SAYS.details.status(details.status_code)]),
          ...(details.mcp_code === undefined ? [] : [SAYS.details.rpc(details.mcp_code)]),
          ...(details.cause === undefined ? [] : [SAYS.details.cause(details.cause)]),
          ...(details.is_upstream === undefined
            ? []
            : [details.is_upstream ? SAYS.details.upstream : SAYS.details.own]),
          ...(details.retryable === undefined
            ? []
            : [details.retryable ? SAYS.details.retryable : SAYS.details.lasting]),
        ]
  return (
    <Alert
      variant="light"
      styles={PLAIN_TITLE}
      color={STATUS_COLOR[status]}
      title={SERVERS.status[status]}
      role="status"
    >
      <Text size="sm">{SAYS.statusSays[status]}</Text>
      {error !== undefined && (
        <Text size="sm" mt="xs" fw={600} className="foreign">
          {error}
        </Text>
      )}
      {server.auth_type === 'bearer' && (details?.status_code === 401 || details?.status_code === 403) && (
        <Text size="sm" mt="xs">
          {SAYS.replace}{' '}
          <Anchor
            inherit
            c="inherit"
            underline="always"
            renderRoot={(props) => (
              <Link to="/servers/$id" params={{ id: server.id }} search={{ tab: 'credentials' }} {...props} />
            )}
          >
            {SERVERS.tabs.credentials}
          </Anchor>
        </Text>
      )}
      {more.length > 0 && (
        <List size="sm" mt="xs">
          {more.map((one) => (
            <List.Item key={one}>{one}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  )
}

function Deeds({ server, isLocked }: { server: ServerShown; isLocked: boolean }) {
  const { id, name } = server
  const navigate = useNavigate()
  const queries = useQueryClient()
  const may = useMay('servers:write')
  const sync = useDeed(() => syncServer(id), {
    reads: [['servers']],
    after: ({ status, tool_count, prompt_count }) => {
      if (status === 'ready') notifications.show({ message: SAYS.synced(tool_count, prompt_count), ...DONE })
    },
  })
  if (!may) return null
  const remove = async () => {
    await deleteServer(id)
    notifications.show({ message: SAYS.removed, ...DONE })
    queries.removeQueries({ queryKey: ['servers', id] })
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['servers'], exact: true }),
      queries.invalidateQueries({ queryKey: ['portals'] }),
    ])
    void navigate({ to: '/servers' })
  }
  return (
    <Stack>
      <Group>
        <Button loading={sync.isPending} onClick={() => sync.mutate(undefined)}>
          {SAYS.sync}
        </Button>
        {!isLocked && (
          <Confirm title={SAYS.removeTitle} deed={COMMON.remove} says={SAYS.removeSays(name)} perform={remove}>
            {(open) => (
              <Button variant="default" onClick={open}>
                {SAYS.remove}
              </Button>
            )}
          </Confirm>
        )}
      </Group>
      {sync.error !== null && <ProblemNote error={sync.error} />}
    </Stack>
  )
}

function factsOf(server: ServerShown) {
  const { facts } = SAYS
  const { transport, circuit, connection } = server
  const command = transport && [transport.command, ...transport.args].join(' ')
  return [
    [facts.id, <Foreign key="id" text={server.id} />],
    ...(command === undefined
      ? [[facts.where, <Foreign key="where" text={server.hostname} />] as const]
      : [[facts.command, <Foreign key="command" text={command} />] as const]),
    [facts.auth, NEW_SERVER.auths[server.auth_type]],
    ...(connection?.account ? [[facts.account, <Foreign key="account" text={connection.account} />] as const] : []),
    [facts.synced, <When key="synced" at={server.last_synced} />],
    [facts.good, <When key="good" at={server.last_successful_sync} />],
    [facts.tools, server.tool_count],
    [facts.prompts, server.prompt_count],
    [facts.held, server.held_definitions],
    ...(circuit === undefined ? [] : [[facts.circuit, <Circuit key="circuit" circuit={circuit} />] as const]),
    [facts.made, <Stamp key="made" at={server.created_at} by={server.created_by} />],
    [facts.changed, <Stamp key="changed" at={server.modified_at} by={server.modified_by} />],
  ] as const
}

function Circuit({ circuit }: { circuit: NonNullable<ServerShown['circuit']> }) {
  return (
    <>
      {SAYS.circuit[circuit.state]} {circuit.failures > 0 && SAYS.failures(circuit.failures)}{' '}
      {circuit.next_probe !== undefined && (
        <>
          {SAYS.nextProbe} <When at={circuit.next_probe} />
        </>
      )}
    </>
  )
}

function Stamp({ at, by }: { at: string; by: string }) {
  return (
    <>
      <When at={at} /> <Foreign text={SAYS.by(by)} />
    </>
  )
}
