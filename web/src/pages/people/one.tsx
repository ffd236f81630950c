/** One person: who they are by whose word, what they hold now, and ending it. */
import { Alert, Anchor, Button, Checkbox, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { UserShown } from '../../../../src/contract/user.ts'
import { revokeEverywhere, switchUser, USER_READS, userQuery } from '../../api/people.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { PEOPLE } from '../../words/people.ts'
import { PAGES } from '../../words/shell.ts'
import { Accounts, Connections, NotLetIn } from './accounts.tsx'
import { Sessions, Tokens } from './holds.tsx'
import { StateOf } from './list.tsx'
import { PasswordLink } from './password-link.tsx'

export function PersonOne() {
  const { id = '' } = useParams({ strict: false })
  const { data: user, error, refetch } = useQuery(userQuery(id))
  const lock = useLock('users:write')
  const above = [['/people', PAGES.people.title]] as const
  if (user === undefined || user.id !== id)
    return (
      <Page title={PAGES.people.title} above={above}>
        {error ? <ProblemNote error={error} again={() => void refetch()} /> : <Waiting />}
      </Page>
    )
  return (
    <Page title={titleOf(user)} above={above} actions={lock === null && <Deeds user={user} />}>
      <LockNote lock={lock} />
      {user.disabled_at !== null && (
        <Alert color="red" variant="light">
          {PEOPLE.disabledNote}
        </Alert>
      )}
      <About user={user} />
      <Sessions user={user} mayEnd={lock === null} />
      <Tokens user={user} />
      <Connections user={user} />
      <Accounts user={user} />
      <NotLetIn user={user} />
    </Page>
  )
}

const titleOf = ({ email, name, id }: UserShown): string => email ?? name ?? id

function About({ user }: { user: UserShown }) {
  const { facts } = PEOPLE
  return (
    <Facts
      facts={[
        [facts.state, <StateOf key="state" user={user} />],
        [facts.address, user.email === null ? PEOPLE.noAddress : <Foreign key="email" text={user.email} />],
        [facts.name, user.name === null ? '–' : <Foreign key="name" text={user.name} />],
        [
          facts.role,
          <Anchor
            key="role"
            inherit
            renderRoot={(props) => <Link to="/settings/$section" params={{ section: 'roles' }} {...props} />}
          >
            {user.role === null ? PEOPLE.noRole : PEOPLE.role[user.role]}
          </Anchor>,
        ],
        [facts.seen, <When key="seen" at={user.last_seen_at} />],
        [facts.signedIn, <When key="in" at={user.last_successful_login} />],
        [facts.made, <When key="made" at={user.created_at} />],
        [facts.id, <Foreign key="id" text={user.id} />],
        [
          PEOPLE.deeds,
          <Anchor
            key="deeds"
            inherit
            renderRoot={(props) => <Link to="/logs" search={{ actor: user.id }} {...props} />}
          >
            {PAGES.logs.title}
          </Anchor>,
        ],
      ]}
    />
  )
}

function Deeds({ user }: { user: UserShown }) {
  const [connections, setConnections] = useState(false)
  const reads = [...USER_READS]
  const revoke = useDeed(() => revokeEverywhere(user.id, connections), { reads, done: PEOPLE.revoke.done })
  const to = user.disabled_at === null ? 'disable' : 'enable'
  const change = useDeed(() => switchUser(user.id, to), { reads, done: PEOPLE[to].done })
  return (
    <>
      {user.disabled_at === null && user.email !== null && <PasswordLink email={user.email} />}
      <Confirm
        title={PEOPLE.revoke.title}
        deed={PEOPLE.revoke.button}
        perform={() => revoke.mutateAsync(undefined)}
        says={
          <Stack gap="sm">
            <Text size="sm">{PEOPLE.revoke.says}</Text>
            <Checkbox
              label={PEOPLE.revoke.connections}
              checked={connections}
              onChange={(event) => setConnections(event.currentTarget.checked)}
            />
          </Stack>
        }
      >
        {(open) => (
          <Button color="red" onClick={open}>
            {PEOPLE.revoke.button}
          </Button>
        )}
      </Confirm>
      <Confirm
        title={PEOPLE[to].title}
        deed={PEOPLE[to].button}
        says={PEOPLE[to].says}
        perform={() => change.mutateAsync(undefined)}
      >
        {(open) => (
          <Button variant="default" onClick={open}>
            {PEOPLE[to].button}
          </Button>
        )}
      </Confirm>
    </>
  )
}
