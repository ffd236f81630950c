/** The account that the portal has at a server behind OAuth: whether there is one, what is wrong with it, and the way to sign in with one. */
import { Alert, Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { AuthorizeShown } from '../../../../src/contract/connection.ts'
import type { ServerShown } from '../../../../src/contract/server.ts'
import type { Told } from '../../api/ask.ts'
import { useMay } from '../../api/me.ts'
import { authorizeServer, endConnection } from '../../api/servers.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Deed } from '../../parts/deeds.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { ACCOUNT as SAYS } from '../../words/credentials.ts'
import { leaveToSignIn } from './come-back.ts'

const PLAIN_TITLE = { title: { color: 'var(--mantine-color-text)' } } as const

/** Whether somebody signs in for it: where nobody does, there is nothing to authenticate. */
export function isOfPeople({ auth_type: type, auth_config_summary: summary }: ServerShown): boolean {
  return type === 'oauth' && (summary?.auth_mode === 'dcr' || summary?.auth_mode === 'manual')
}

/** @param mayWiden whether scopes can be added here */
export function Account({ server, mayWiden = false }: { server: ServerShown; mayWiden?: boolean }) {
  const may = useMay('servers:write')
  const { connection } = server
  if (!isOfPeople(server)) return null
  const state = connection === undefined ? 'none' : connection.status === 'ready' ? 'ready' : 'stale'
  return (
    <Stack gap="sm" align="flex-start">
      <Alert
        variant="light"
        w="100%"
        color={state === 'ready' ? 'gray' : 'yellow'}
        styles={PLAIN_TITLE}
        title={SAYS.title[state]}
        role={state === 'ready' ? 'status' : 'alert'}
      >
        <Stack gap={4}>
          {connection !== undefined && <Whose connection={connection} />}
          {connection?.problem && (
            <Text size="sm" fw={600}>
              {connection.problem}
            </Text>
          )}
          {state !== 'ready' && <Text size="sm">{SAYS.says[state]}</Text>}
        </Stack>
      </Alert>
      {may && <Ways server={server} mayWiden={mayWiden} />}
      {state === 'none' && !mayWiden && server.auth_config_summary?.auth_mode === 'dcr' && <ToClient id={server.id} />}
      <Text size="sm" c="dimmed">
        {SAYS.says.own}
      </Text>
    </Stack>
  )
}

function ToClient({ id }: { id: string }) {
  return (
    <Text size="sm">
      {SAYS.byHand}{' '}
      <Anchor
        inherit
        underline="always"
        renderRoot={(props) => <Link to="/servers/$id" params={{ id }} search={{ tab: 'credentials' }} {...props} />}
      >
        {SAYS.write}
      </Anchor>
    </Text>
  )
}

function Whose({ connection }: { connection: NonNullable<ServerShown['connection']> }) {
  const { account, issuer } = connection
  return (
    <Text size="sm" component="div">
      {account !== null && <Foreign text={SAYS.as(account)} fw={600} />}{' '}
      {issuer !== null && <Foreign text={SAYS.at(issuer)} />}
    </Text>
  )
}

type Wish = { for: 'me' | 'other'; isSure?: boolean }

function Ways({ server, mayWiden }: { server: ServerShown; mayWiden: boolean }) {
  const { id, connection } = server
  const [scope, setScope] = useState('')
  const [made, setMade] = useState<{ wish: Wish; told: Told<AuthorizeShown> } | null>(null)
  const link = useDeed(
    async (wish: Wish) => {
      const told = await authorizeServer(id, scope.trim())
      setMade({ wish, told })
      // Where the place to sign in at was not found, leaving would lead to a page that says so: it is said here.
      if (wish.for === 'me' && (wish.isSure === true || told.messages.length === 0))
        leaveToSignIn(server, told.result.url)
      return { ...told, messages: [] }
    },
    { reads: [['servers', id]] },
  )
  const end = useDeed(() => endConnection(id, connection?.id ?? ''), {
    ...{ reads: [['servers']], done: SAYS.disconnect.done },
  })
  return (
    <>
      {mayWiden && (
        <TextInput
          label={SAYS.more}
          description={SAYS.moreSays}
          value={scope}
          onChange={({ currentTarget }) => setScope(currentTarget.value)}
          w="min(24rem, 100%)"
        />
      )}
      <Group gap="sm">
        <Button
          variant={connection?.status === 'ready' ? 'default' : 'filled'}
          loading={link.isPending}
          onClick={() => link.mutate({ for: 'me' })}
        >
          {connection === undefined ? SAYS.authenticate : SAYS.again}
        </Button>
        <Button variant="default" loading={link.isPending} onClick={() => link.mutate({ for: 'other' })}>
          {SAYS.forOther}
        </Button>
        {connection !== undefined && <Deed words={SAYS.disconnect} perform={() => end.mutateAsync(undefined)} />}
      </Group>
      {link.error !== null && <ProblemNote error={link.error} />}
      {made !== null && <Made made={made} goOn={() => link.mutate({ for: 'me', isSure: true })} />}
    </>
  )
}

function Made(props: { made: { wish: Wish; told: Told<AuthorizeShown> }; goOn(): void }) {
  const { made, goOn } = props
  const { result, messages } = made.told
  return (
    <>
      {messages.map((message) => (
        <Text key={message} size="sm" fw={600} className="foreign" role="alert">
          {message}
        </Text>
      ))}
      {messages.length > 0 && made.wish.for === 'me' && (
        <Button size="xs" variant="default" onClick={goOn}>
          {SAYS.goOn}
        </Button>
      )}
      {made.wish.for === 'other' && (
        <Stack gap="xs" w="100%">
          <Text size="sm">{SAYS.forOtherSays}</Text>
          <Copyable text={result.url} label={SAYS.link} />
          <Text size="sm">
            {SAYS.linkUntil} <When at={result.expires_at} exact />
          </Text>
        </Stack>
      )}
    </>
  )
}
