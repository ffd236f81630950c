/** What a server is proven to: the account, the client behind it, a token, an environment. What is stored is replaced or ended, and never shown. */
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ConnectionShown } from '../../../../src/contract/connection.ts'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { connectionsQuery, endConnection, updateServer } from '../../api/servers.ts'
import { Deed } from '../../parts/deeds.tsx'
import { type Field, isOn, text } from '../../parts/fields.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Form } from '../../parts/form.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Item, Items, Section } from '../../parts/items.tsx'
import { Mark } from '../../parts/mark.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { CREDENTIALS as SAYS } from '../../words/credentials.ts'
import { Account, isOfPeople } from './account.tsx'
import { envOf } from './env.ts'
import { OauthClient } from './oauth-client.tsx'
import { StoredCredential } from './stored-credential.tsx'

export function Credentials({ server }: { server: ServerShown }) {
  const lock = useLock('servers:write', server.origin)
  const { auth_type: type, auth_config_summary: summary, transport } = server
  return (
    <Stack maw="44rem" gap="xl">
      <LockNote lock={lock} />
      {transport !== undefined && <Environment server={server} transport={transport} lock={lock} />}
      {transport === undefined && type === 'unauthenticated' && <Text size="sm">{SAYS.none}</Text>}
      {type === 'bearer' && <StoredCredential server={server} lock={lock} />}
      {isOfPeople(server) && <Account server={server} mayWiden />}
      {summary?.auth_mode === 'client_credentials' && <Text size="sm">{SAYS.own}</Text>}
      {summary?.auth_mode === 'enterprise' && <Text size="sm">{SAYS.enterprise}</Text>}
      {summary !== undefined && <OauthClient server={server} summary={summary} lock={lock} />}
      {transport === undefined && type !== 'unauthenticated' && <Connected server={server} />}
    </Stack>
  )
}

type Transport = NonNullable<ServerShown['transport']>

const ENVIRONMENT: readonly Field[] = [
  {
    ...{ name: 'env', ...SAYS.environment.lines, kind: 'lines', isSecret: true, at: 'transport.env' },
    shows: (values) => !isOn(values, 'none'),
  },
  { name: 'none', ...SAYS.environment.remove, kind: 'tick' },
]

function Environment(props: { server: ServerShown; transport: Transport; lock: string | null }) {
  const { server, transport, lock } = props
  return (
    <Section title={SAYS.environment.title} says={SAYS.environment.says}>
      <Form
        fields={ENVIRONMENT}
        deed={SAYS.environment.save}
        // Said above already.
        lock={lock === null ? null : ''}
        reads={[['servers']]}
        done={SAYS.environment.saved}
        perform={(values) =>
          updateServer(server.id, {
            transport: { ...transport, env: isOn(values, 'none') ? {} : envOf(text(values, 'env')) },
          })
        }
      />
    </Section>
  )
}

function Connected({ server }: { server: ServerShown }) {
  const { data, error, refetch } = useQuery(connectionsQuery(server.id))
  return (
    <Section title={SAYS.people.title} says={SAYS.people.says}>
      {error !== null ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting rows={2} />
      ) : (
        <Items none={SAYS.people.none}>
          {data.map((connection) => (
            <One key={connection.id} connection={connection} />
          ))}
        </Items>
      )}
    </Section>
  )
}

const COLOR = { ready: 'green', needs_reauth: 'red', error: 'yellow' } as const

function whoseOf({ owner, user }: ConnectionShown): string {
  if (owner === 'admin') return SAYS.people.shared
  return owner === 'machine' ? SAYS.people.machine : (user?.email ?? user?.name ?? user?.id ?? '')
}

function One({ connection }: { connection: ConnectionShown }) {
  const { id, server_id: server, status, account, problem } = connection
  // People's connections are no part of what a file declares.
  const lock = useLock('servers:write')
  const end = useDeed(() => endConnection(server, id), { reads: [['servers']], done: SAYS.people.end.done })
  return (
    <Item actions={lock === null && <Deed words={SAYS.people.end} perform={() => end.mutateAsync(undefined)} />}>
      <Text size="sm" component="div">
        <Foreign text={whoseOf(connection)} fw={600} /> <Mark color={COLOR[status]}>{SAYS.people.states[status]}</Mark>
      </Text>
      <Text size="sm" c="dimmed" component="div">
        <Foreign text={account ?? SAYS.people.unnamed} />
      </Text>
      {problem !== null && <Text size="sm">{problem}</Text>}
    </Item>
  )
}
