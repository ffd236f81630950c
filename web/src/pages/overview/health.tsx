/** How the servers are, what waits for somebody, and which credentials end soon. */
import { Group, SimpleGrid, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { When } from '../../parts/when.tsx'
import { OVERVIEW } from '../../words/overview.ts'
import { Away } from './away.tsx'
import { number } from './numbers.ts'
import { Dimmed, Section } from './section.tsx'

const COLOR = { ready: 'green', waiting: 'gray', stale: 'yellow', error: 'red' } as const
const STATUSES = ['ready', 'waiting', 'stale', 'error'] as const

export function Health({ overview }: { overview: OverviewShown }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      <Servers servers={overview.servers} />
      <Waiting {...overview} />
      <Expiring expiring={overview.expiring} />
    </SimpleGrid>
  )
}

function List({ children }: { children: ReactNode }) {
  return (
    <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }}>
      {children}
    </Stack>
  )
}

function Servers({ servers }: Pick<OverviewShown, 'servers'>) {
  const { health } = OVERVIEW
  const { total, by_status, unwell } = servers
  const poorly = total - by_status.ready
  return (
    <Section title={health.title} aside={<Away to="/servers">{health.all}</Away>}>
      <Group gap="xs">
        {STATUSES.filter((status) => by_status[status] > 0).map((status) => (
          <Mark key={status} color={COLOR[status]}>
            {number(by_status[status])} {health.status[status]}
          </Mark>
        ))}
      </Group>
      {unwell.length === 0 && <Dimmed>{total === 0 ? health.none : health.well}</Dimmed>}
      <List>
        {unwell.map((server) => (
          <Unwell key={server.id} {...server} />
        ))}
      </List>
      {poorly > unwell.length && <Dimmed>{health.more(poorly - unwell.length)}</Dimmed>}
    </Section>
  )
}

function Unwell({
  id,
  name,
  status,
  circuit,
  error,
  last_successful_sync,
}: OverviewShown['servers']['unwell'][number]) {
  const { health } = OVERVIEW
  const known = STATUSES.find((one) => one === status) ?? 'error'
  return (
    <li>
      <Group gap="xs">
        <Away to={`/servers/${encodeURIComponent(id)}`}>
          <Foreign text={name} />
        </Away>
        <Mark color={COLOR[known]}>{circuit === 'open' ? health.circuit : health.status[known]}</Mark>
      </Group>
      {error !== null && (
        <Dimmed>
          <Foreign text={error} />
        </Dimmed>
      )}
      <Dimmed>
        {health.synced}: <When at={last_successful_sync} />
      </Dimmed>
    </li>
  )
}

function Waiting({ approvals_waiting, servers }: OverviewShown) {
  const { waiting } = OVERVIEW
  const isQuiet = approvals_waiting === 0 && servers.held_definitions === 0
  return (
    <Section title={waiting.title}>
      {isQuiet && <Dimmed>{waiting.none}</Dimmed>}
      <List>
        {approvals_waiting > 0 && (
          <li>
            <Away to="/approvals">{waiting.approvals(approvals_waiting)}</Away>
          </li>
        )}
        {servers.holding.map(({ id, name, held }) => (
          <li key={id}>
            <Away to={`/servers/${encodeURIComponent(id)}`}>
              <Foreign text={name} />: {waiting.held(held)}
            </Away>
          </li>
        ))}
      </List>
    </Section>
  )
}

function Expiring({ expiring }: Pick<OverviewShown, 'expiring'>) {
  const words = OVERVIEW.expiring
  return (
    <Section title={words.title}>
      {expiring.length === 0 && <Dimmed>{words.none}</Dimmed>}
      <List>
        {expiring.map(({ kind, id, name, expires_at, path }) => (
          <li key={`${kind} ${id}`}>
            <Away to={path}>
              <Foreign text={name} />
            </Away>
            <Dimmed>
              {words.kind[kind]}, {Date.parse(expires_at) < Date.now() ? words.ended : words.ends}{' '}
              <When at={expires_at} />
            </Dimmed>
          </li>
        ))}
      </List>
    </Section>
  )
}
