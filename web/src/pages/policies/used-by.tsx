/** Where a policy decides: the portals and servers that have it, and its place among theirs. The first that matches decides. */
import { Button, Fieldset, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AppShown } from '../../../../src/contract/access-app.ts'
import type { PolicyShown } from '../../../../src/contract/policy.ts'
import { useMay } from '../../api/me.ts'
import { attach, attachedPortalsQuery, attachedServersQuery, makeReusable } from '../../api/policies.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { FromFileBadge } from '../../parts/from-file.tsx'
import { later } from '../../parts/later.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { POLICY_WORDS } from '../../words/policies.ts'

const Order = later(async () => (await import('./order.tsx')).Order)

const WORDS = POLICY_WORDS.usedBy
const READS = [['portals'], ['servers'], ['policies'], ['explanations']]

interface Place {
  where: 'portal' | 'server'
  id: string
  label: string
  /** What its application is found by: the portal's hostname, or the server's id. */
  found: string
  policies: readonly string[]
  origin: 'api' | 'file'
}

export interface UsedByProps {
  policy: PolicyShown
  /** The portal or server whose own it is. */
  owner: AppShown | undefined
  isLocked: boolean
}

export function UsedBy({ policy, owner, isLocked }: UsedByProps) {
  const portals = useQuery(attachedPortalsQuery)
  const servers = useQuery(attachedServersQuery)
  const error = portals.error ?? servers.error
  if (error !== null) return <ProblemNote error={error} />
  if (portals.data === undefined || servers.data === undefined) return <Waiting rows={2} />
  const places: Place[] = [
    ...portals.data.map(({ id, name, hostname, policies, origin }): Place => {
      return { where: 'portal', id, label: WORDS.portal(name), found: hostname, policies, origin }
    }),
    ...servers.data.map(({ id, name, policies, origin }): Place => {
      return { where: 'server', id, label: WORDS.server(name), found: id, policies, origin }
    }),
  ]
  const users = places.filter(({ policies }) => policies.includes(policy.id))
  return (
    <Fieldset legend={WORDS.title}>
      <Stack gap="sm">
        {users.length === 0 && <Text size="sm">{WORDS.none}</Text>}
        {users.map((place) => (
          <Used key={`${place.where} ${place.id}`} policy={policy} place={place} isOwn={owner !== undefined} />
        ))}
        {owner === undefined ? (
          <AttachForm policy={policy} places={places.filter((place) => !users.includes(place))} />
        ) : (
          <OfOwner policy={policy} owner={owner} isLocked={isLocked} />
        )}
      </Stack>
    </Fieldset>
  )
}

function useMayChange(where: Place['where']): boolean {
  const ofPortals = useMay('portals:write')
  const ofServers = useMay('servers:write')
  return where === 'portal' ? ofPortals : ofServers
}

/** What nothing else can be given, and how that is changed. */
function OfOwner({ policy, owner, isLocked }: UsedByProps & { owner: AppShown }) {
  const words = WORDS.reusable
  const sharing = useDeed(() => makeReusable(owner.id, policy.id), { done: words.done, reads: READS })
  return (
    <>
      <Text size="sm">{WORDS.own}</Text>
      {!isLocked && (
        <Group>
          <Confirm
            title={words.title}
            deed={words.deed}
            says={<Foreign text={words.says(policy.name)} />}
            perform={() => sharing.mutateAsync(undefined)}
          >
            {(open) => (
              <Button size="xs" variant="default" onClick={open}>
                {words.deed}
              </Button>
            )}
          </Confirm>
        </Group>
      )}
    </>
  )
}

interface UsedProps {
  policy: PolicyShown
  place: Place
  isOwn: boolean
}

function Used(props: UsedProps) {
  const { place } = props
  const [isOpen, open] = useState(false)
  const mayPolicies = useMay('policies:write')
  const mayPlace = useMayChange(place.where)
  const mayMove = mayPolicies && mayPlace && place.origin === 'api'
  return (
    <Stack gap="xs">
      <UsedLine {...props} />
      {place.policies.length > 1 && (
        <Group>
          <Button size="xs" variant="subtle" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
            <Foreign text={WORDS.order.label(place.label)} />
          </Button>
        </Group>
      )}
      {isOpen && <Order where={place.where} id={place.found} label={place.label} mayMove={mayMove} />}
    </Stack>
  )
}

function UsedLine({ policy, place, isOwn }: UsedProps) {
  const may = useMayChange(place.where) && !isOwn
  const at = place.policies.indexOf(policy.id) + 1
  const detaching = useDeed(
    () =>
      attach(
        place.where,
        place.id,
        place.policies.filter((id) => id !== policy.id),
      ),
    {
      done: WORDS.detached,
      reads: READS,
    },
  )
  return (
    <Group justify="space-between">
      <Text size="sm">
        <Foreign text={place.label} fw={600} /> · {WORDS.place(at, place.policies.length)}
      </Text>
      {place.origin === 'file' ? (
        <FromFileBadge origin="file" />
      ) : (
        may && (
          <Confirm
            title={WORDS.detachTitle}
            deed={WORDS.detach}
            says={<Foreign text={WORDS.detachSays(place.label)} />}
            perform={() => detaching.mutateAsync(undefined)}
          >
            {(open) => (
              <Button size="xs" variant="default" onClick={open} aria-label={WORDS.detachFrom(place.label)}>
                {WORDS.detach}
              </Button>
            )}
          </Confirm>
        )
      )}
    </Group>
  )
}

function AttachForm({ policy, places }: { policy: PolicyShown; places: readonly Place[] }) {
  const mayPortals = useMayChange('portal')
  const mayServers = useMayChange('server')
  const [chosen, choose] = useState<string | null>(null)
  const [position, setPosition] = useState(policy.decision === 'deny' ? 'first' : 'last')
  const free = places.filter(({ where, origin }) => origin === 'api' && (where === 'portal' ? mayPortals : mayServers))
  const place = free.find((one) => `${one.where} ${one.id}` === chosen)
  const attaching = useDeed(
    ({ where, id, policies }: Place) =>
      attach(where, id, position === 'first' ? [policy.id, ...policies] : [...policies, policy.id]),
    { done: WORDS.attached, reads: READS },
  )
  if (free.length === 0) return null
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ alignItems: 'end' }}>
        <Select
          label={WORDS.where.label}
          description={WORDS.where.says}
          data={free.map(({ where, id, label }) => ({ value: `${where} ${id}`, label }))}
          value={chosen}
          onChange={choose}
          searchable
          limit={100}
        />
        <Select
          label={WORDS.position.label}
          description={WORDS.position.says}
          data={[
            { value: 'first', label: WORDS.position.first },
            { value: 'last', label: WORDS.position.last },
          ]}
          value={position}
          allowDeselect={false}
          onChange={(value) => setPosition(value ?? 'last')}
        />
        <Button
          variant="default"
          disabled={place === undefined}
          loading={attaching.isPending}
          onClick={() => place !== undefined && attaching.mutate(place, { onSuccess: () => choose(null) })}
        >
          {WORDS.attach}
        </Button>
      </SimpleGrid>
      {place?.where === 'server' && (
        <Text size="sm" c="dimmed">
          {WORDS.serverWarns}
        </Text>
      )}
      {attaching.error !== null && <ProblemNote error={attaching.error} />}
    </>
  )
}
