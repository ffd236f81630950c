/** The servers of a portal: which, in which order, and how each is used here. */
import { Button, Group, Select, Stack, Switch, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { MappingInput, PortalServerShown } from '../../../../src/contract/portal.ts'
import { changeServers, SERVERS_OF_PORTAL_READS } from '../../api/portals.ts'
import { serversQuery } from '../../api/servers.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Nothing, ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { PORTALS } from '../../words/portals.ts'
import { SERVERS } from '../../words/servers.ts'
import type { TabProps } from './one.tsx'

const { servers: SAYS } = PORTALS
const COLOR = { ready: 'green', waiting: 'gray', stale: 'yellow', error: 'red' } as const

type Change = (servers: MappingInput[]) => MappingInput[]

export function PortalServers({ portal, lock }: TabProps) {
  const change = useDeed((wanted: Change) => changeServers(portal.id, wanted), {
    reads: SERVERS_OF_PORTAL_READS,
  })
  const { servers } = portal
  return (
    <Stack>
      {lock === null && <Add portal={portal} add={(id) => change.mutate((all) => [...all, { server_id: id }])} />}
      {change.error !== null && <ProblemNote error={change.error} />}
      {servers.length === 0 ? (
        <Nothing {...SAYS.none} />
      ) : (
        <>
          <Text size="sm" c="dimmed">
            {SAYS.says} {SAYS.offSays} {SAYS.ownSays}
          </Text>
          <Rows
            label={SAYS.columns.name}
            rows={servers}
            columns={columnsFor({
              isLocked: lock !== null || change.isPending,
              count: servers.length,
              placeOf: (id) => servers.findIndex(({ server_id }) => server_id === id),
              change: change.mutate,
              remove: (id) => change.mutateAsync((all) => all.filter(({ server_id }) => server_id !== id)),
            })}
            idOf={({ server_id }) => server_id}
            minWidth={45}
          />
        </>
      )}
    </Stack>
  )
}

function Add({ portal, add }: Pick<TabProps, 'portal'> & { add(id: string): void }) {
  const { data: all = [], isSuccess } = useQuery(serversQuery)
  const [chosen, choose] = useState<string | null>(null)
  const taken = new Set(portal.servers.map(({ server_id }) => server_id))
  const free = all.filter(({ id }) => !taken.has(id))
  if (isSuccess && all.length > 0 && free.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {SAYS.allIn}
      </Text>
    )
  return (
    <Group align="flex-end">
      <Select
        label={SAYS.add}
        data={free.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` }))}
        value={chosen}
        onChange={choose}
        searchable
        limit={100}
        w="min(24rem, 100%)"
      />
      <Button
        disabled={chosen === null}
        onClick={() => {
          if (chosen !== null) add(chosen)
          choose(null)
        }}
      >
        {SAYS.addDeed}
      </Button>
    </Group>
  )
}

interface Doing {
  isLocked: boolean
  count: number
  placeOf(id: string): number
  change(wanted: Change): void
  remove(id: string): Promise<unknown>
}

function columnsFor({ isLocked, count, placeOf, change, remove }: Doing): readonly Column<PortalServerShown>[] {
  const put = (id: string, part: Partial<MappingInput>) =>
    change((all) => all.map((one) => (one.server_id === id ? { ...one, ...part } : one)))
  const { columns } = SAYS
  return [
    {
      title: columns.order,
      width: '5rem',
      cell: ({ server_id: id, name }) => (
        <Group gap={4} wrap="nowrap">
          <Step title={SAYS.up(name)} isOff={isLocked || placeOf(id) === 0} go={() => change(moved(id, -1))}>
            ↑
          </Step>
          <Step title={SAYS.down(name)} isOff={isLocked || placeOf(id) === count - 1} go={() => change(moved(id, 1))}>
            ↓
          </Step>
        </Group>
      ),
    },
    { title: columns.name, width: 'minmax(6rem, 2fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
    {
      title: columns.status,
      width: '7.5rem',
      cell: ({ status }) => <Mark color={COLOR[status]}>{SERVERS.status[status]}</Mark>,
    },
    { title: columns.tools, width: '3.5rem', cell: ({ tool_count }) => tool_count },
    {
      title: columns.off,
      width: '5rem',
      cell: ({ server_id, name, default_disabled }) => (
        <Switch
          aria-label={SAYS.off(name)}
          checked={default_disabled}
          disabled={isLocked}
          onChange={(event) => put(server_id, { default_disabled: event.currentTarget.checked })}
        />
      ),
    },
    {
      title: columns.own,
      width: '6.5rem',
      cell: ({ server_id, name, on_behalf }) => (
        <Switch
          aria-label={SAYS.own(name)}
          checked={on_behalf}
          disabled={isLocked}
          onChange={(event) => put(server_id, { on_behalf: event.currentTarget.checked })}
        />
      ),
    },
    {
      title: columns.remove,
      width: '6rem',
      cell: ({ server_id, name }) => (
        <Confirm
          title={SAYS.remove(name)}
          deed={SAYS.removeDeed}
          says={SAYS.removeSays}
          perform={() => remove(server_id)}
        >
          {(open) => (
            <Button size="xs" variant="default" disabled={isLocked} onClick={open} aria-label={SAYS.remove(name)}>
              {SAYS.removeDeed}
            </Button>
          )}
        </Confirm>
      ),
    },
  ]
}

function Step({ title, isOff, go, children }: { title: string; isOff: boolean; go(): void; children: string }) {
  return (
    <Button size="xs" px={8} variant="default" aria-label={title} title={title} disabled={isOff} onClick={go}>
      {children}
    </Button>
  )
}

/** @returns what moves a server by one place, where it is when that happens */
function moved(id: string, by: 1 | -1): Change {
  return (all) => {
    const from = all.findIndex(({ server_id }) => server_id === id)
    const one = all[from]
    if (one === undefined) return all
    const others = all.toSpliced(from, 1)
    return others.toSpliced(Math.max(0, from + by), 0, one)
  }
}
