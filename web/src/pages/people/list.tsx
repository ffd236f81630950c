/** Everybody who ever signed in, or for whom an access token was made. */
import { Anchor, Group, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { UserShown } from '../../../../src/contract/user.ts'
import { usersQuery } from '../../api/people.ts'
import { providersQuery } from '../../api/settings.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Page } from '../../parts/page.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { useSpot } from '../../parts/spot.ts'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { When } from '../../parts/when.tsx'
import { COMMON } from '../../words/common.ts'
import { PEOPLE } from '../../words/people.ts'
import { PAGES } from '../../words/shell.ts'
import { PasswordLink } from './password-link.tsx'

const SEARCH_MS = 250

const columnsWith = (nameOf: (provider: string) => string): Column<UserShown>[] => [
  {
    title: PEOPLE.columns.name,
    width: 'minmax(10rem, 3fr)',
    cell: ({ email, name, id }) => (
      <>
        <Foreign text={email ?? name ?? id} fw={600} />
        {email !== null && name !== null && <Foreign text={name} c="dimmed" ml="xs" />}
      </>
    ),
  },
  { title: PEOPLE.columns.role, width: '5rem', cell: ({ role }) => (role === null ? '–' : PEOPLE.role[role]) },
  {
    title: PEOPLE.columns.providers,
    width: 'minmax(7rem, 1fr)',
    cell: ({ identity_providers }) => <Foreign text={identity_providers.map(nameOf).join(', ') || '–'} />,
  },
  { title: PEOPLE.columns.seen, width: '8rem', cell: ({ last_seen_at }) => <When at={last_seen_at} /> },
  { title: PEOPLE.columns.state, width: '10rem', cell: (user) => <StateOf user={user} /> },
]

export function StateOf({ user }: { user: UserShown }) {
  if (user.disabled_at !== null) return <Mark color="red">{PEOPLE.state.off}</Mark>
  return user.last_successful_login === null ? (
    <Mark>{PEOPLE.state.never}</Mark>
  ) : (
    <Mark color="green">{PEOPLE.state.on}</Mark>
  )
}

/** @returns what a provider is called, by its id */
export function useProviderNames(): (id: string) => string {
  const { data } = useQuery(providersQuery)
  return (id) => (id === 'local' ? PEOPLE.local : (data?.find((one) => one.id === id)?.name ?? id))
}

export function PeopleList() {
  const { search, go } = useSpot()
  const [wanted, setWanted] = useState(search.q ?? '')
  const [settled] = useDebouncedValue(wanted, SEARCH_MS)
  useEffect(() => {
    if (settled !== (search.q ?? '')) go({ q: settled || undefined }, { replace: true })
  }, [settled, search.q, go])
  return (
    <Page {...PAGES.people} actions={<PasswordLink />}>
      <TextInput
        type="search"
        value={wanted}
        onChange={(event) => setWanted(event.currentTarget.value)}
        placeholder={COMMON.search}
        aria-label={`${COMMON.search}: ${PAGES.people.title}`}
        maw="24rem"
      />
      <Found search={search.q ?? ''} />
    </Page>
  )
}

function Found({ search }: { search: string }) {
  const nameOf = useProviderNames()
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(usersQuery(search))
  if (error) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting />
  const people = data.pages.flatMap(({ result }) => result)
  const total = data.pages.at(-1)?.info.total_count ?? 0
  if (people.length === 0) return search === '' ? <Nobody /> : <Text>{COMMON.nothingMatches}</Text>
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed" aria-live="polite">
        {PEOPLE.count(total)}
      </Text>
      <Rows
        label={PAGES.people.title}
        rows={people}
        columns={columnsWith(nameOf)}
        idOf={({ id }) => id}
        minWidth={46}
        linkOf={({ id }) => ({ to: '/people/$id', params: { id } })}
        onEnd={() => {
          if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
        }}
      />
    </Stack>
  )
}

function Nobody() {
  const { title, says, add } = PEOPLE.none
  return (
    <Nothing title={title} says={says}>
      <Group>
        <Anchor renderRoot={(props) => <Link to="/settings/$section" params={{ section: 'providers' }} {...props} />}>
          {add}
        </Anchor>
      </Group>
    </Nothing>
  )
}
