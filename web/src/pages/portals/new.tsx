/** A new portal: what it is called, where it is reached, what is behind it and who may come in. */
import { Alert, Button, Group, MultiSelect, Stack, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { Problem } from '../../api/ask.ts'
import { meQuery } from '../../api/me.ts'
import { choosablePoliciesQuery, createPortal, PORTAL_READS } from '../../api/portals.ts'
import { serversQuery } from '../../api/servers.ts'
import { LockNote, useLock } from '../../parts/from-file.tsx'
import { Page } from '../../parts/page.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { suggestedId } from '../../rules/suggested-id.ts'
import { PORTALS } from '../../words/portals.ts'
import { PAGES } from '../../words/shell.ts'
import { suggestedHostname } from './address.ts'

const { create: SAYS } = PORTALS
const ABOVE = [['/portals', PAGES.portals.title]] as const
const FIELDS = ['name', 'id', 'hostname', 'description', 'servers', 'policies'] as const

export function PortalNew() {
  const { data: me } = useQuery(meQuery)
  const lock = useLock('portals:write')
  return (
    <Page title={SAYS.title} says={SAYS.says} above={ABOVE}>
      {me === undefined ? <Waiting /> : lock === null ? <NewForm base={me.url} /> : <LockNote lock={lock} />}
    </Page>
  )
}

/** What was not typed yet follows from what was. */
interface Typed {
  name: string
  id: string | null
  hostname: string | null
  description: string
  servers: string[]
  policies: string[]
}

const EMPTY: Typed = { name: '', id: null, hostname: null, description: '', servers: [], policies: [] }

function NewForm({ base }: { base: string }) {
  const [typed, setTyped] = useState(EMPTY)
  const id = typed.id ?? suggestedId(typed.name)
  const hostname = typed.hostname ?? suggestedHostname(id, base)
  const navigate = useNavigate()
  const { data: servers = [] } = useQuery(serversQuery)
  const { data: policies = [] } = useQuery(choosablePoliciesQuery)
  const create = useDeed(createPortal, { reads: PORTAL_READS })
  const problem = create.error instanceof Problem ? create.error : null
  const isToldAtField = problem !== null && FIELDS.some((field) => problem.at(field) !== undefined)
  const put = (part: Partial<Typed>) => setTyped((before) => ({ ...before, ...part }))
  const send = (event: FormEvent) => {
    event.preventDefault()
    const { name, description } = typed
    const body = {
      ...{ id, name, hostname, policies: typed.policies },
      ...(description === '' ? {} : { description }),
      servers: typed.servers.map((server_id) => ({ server_id })),
    }
    create.mutate(body, {
      onSuccess: ({ result }) => void navigate({ to: '/portals/$id', params: { id: result.id } }),
    })
  }
  const field = (name: (typeof FIELDS)[number]) => ({
    label: SAYS[name][0],
    description: SAYS[name][1],
    error: problem?.at(name),
  })
  const labelled = (list: readonly { id: string; name: string }[]) =>
    list.map((one) => ({ value: one.id, label: one.name === one.id ? one.id : `${one.name} (${one.id})` }))
  return (
    <form onSubmit={send}>
      <Stack maw="40rem">
        {create.error !== null && !isToldAtField && <ProblemNote error={create.error} />}
        <TextInput
          {...field('name')}
          required
          value={typed.name}
          onChange={(event) => put({ name: event.currentTarget.value })}
        />
        <TextInput {...field('id')} required value={id} onChange={(event) => put({ id: event.currentTarget.value })} />
        <TextInput
          {...field('hostname')}
          required
          value={hostname}
          onChange={(event) => put({ hostname: event.currentTarget.value })}
        />
        <Textarea
          {...field('description')}
          autosize
          maxLength={512}
          value={typed.description}
          onChange={(event) => put({ description: event.currentTarget.value })}
        />
        {servers.length === 0 ? (
          <Alert variant="light">{SAYS.noServers}</Alert>
        ) : (
          <MultiSelect
            {...field('servers')}
            data={labelled(servers)}
            value={typed.servers}
            onChange={(chosen) => put({ servers: chosen })}
            searchable
            limit={100}
            hidePickedOptions
          />
        )}
        <MultiSelect
          {...field('policies')}
          data={policies.map(({ id: value, name, decision }) => ({ value, label: `${name} (${decision})` }))}
          value={typed.policies}
          onChange={(chosen) => put({ policies: chosen })}
          searchable
          limit={100}
          hidePickedOptions
        />
        <Group>
          <Button type="submit" loading={create.isPending}>
            {SAYS.deed}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
