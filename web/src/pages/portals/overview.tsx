/** Where clients reach a portal, whether one has come yet, and what each client must be told. */
import { Alert, Anchor, Card, List, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { meQuery } from '../../api/me.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { Waiting } from '../../parts/told.tsx'
import { PORTALS } from '../../words/portals.ts'
import { addressesOf, mountOf } from './address.ts'
import { ClientGuides } from './clients.tsx'
import { Connection } from './connection.tsx'
import type { TabProps } from './one.tsx'

const { overview: SAYS } = PORTALS

export function PortalOverview({ portal, reports }: TabProps) {
  const { data: me } = useQuery(meQuery)
  if (me === undefined) return <Waiting />
  const { best, byName, byPath } = addressesOf(portal, me.url)
  return (
    <Stack gap="lg">
      <Lacks portal={portal} />
      <Card withBorder>
        <Title order={2} size="h4">
          {SAYS.address}
        </Title>
        <Text size="sm" c="dimmed" mb="sm">
          {SAYS.addressSays}
        </Text>
        <Copyable text={best} label={SAYS.address} />
        {byName !== best && (
          <Address title={SAYS.byName} says={SAYS.byNameSays(portal.hostname)}>
            <Copyable text={byName} label={SAYS.byName} />
          </Address>
        )}
        {byPath !== best && (
          <Address title={SAYS.byPath}>
            <Copyable text={byPath} label={SAYS.byPath} />
          </Address>
        )}
      </Card>
      <Connection portal={portal.id} />
      <Card withBorder>
        <Title order={2} size="h4" mb="sm">
          {SAYS.connect}
        </Title>
        <ClientGuides name={portal.hostname === 'localhost' ? 'portico' : portal.id} url={best} />
      </Card>
      {portal.servers.length > 0 && (
        <Card withBorder>
          <Title order={2} size="h4">
            {SAYS.mounts}
          </Title>
          <Text size="sm" c="dimmed" mb="sm">
            {SAYS.mountsSays}
          </Text>
          <Stack gap="xs" mah="20rem" style={{ overflowY: 'auto' }} tabIndex={0} role="group" aria-label={SAYS.mounts}>
            {portal.servers.map(({ server_id, name }) => (
              <SimpleGrid key={server_id} cols={{ base: 1, sm: 2 }} spacing="xs">
                <Foreign text={name} />
                <Copyable text={mountOf(portal.id, server_id, me.url)} label={server_id} />
              </SimpleGrid>
            ))}
          </Stack>
        </Card>
      )}
      {reports.length > 0 && (
        <Alert color="yellow" variant="light" title={SAYS.lost}>
          <List size="sm">
            {reports.map((report) => (
              <List.Item key={report}>
                <Foreign text={report} />
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  )
}

/** What keeps everybody out, or shows them nothing. */
function Lacks({ portal }: Pick<TabProps, 'portal'>) {
  const lacks: readonly [tab: string, says: string][] = [
    ...(portal.servers.length === 0 ? ([['servers', SAYS.noServers]] as const) : []),
    ...(portal.policies.length === 0 ? ([['settings', SAYS.noPolicies]] as const) : []),
  ].map(([tab, says]) => [tab, says])
  return lacks.map(([tab, says]) => (
    <Alert key={tab} color="yellow" variant="light">
      <Anchor
        inherit
        c="inherit"
        underline="always"
        renderRoot={(props) => <Link to="/portals/$id" params={{ id: portal.id }} search={{ tab }} {...props} />}
      >
        {says}
      </Anchor>
    </Alert>
  ))
}

function Address({ title, says, children }: { title: string; says?: string; children: ReactNode }) {
  return (
    <Stack gap={4} mt="md">
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {says !== undefined && (
        <Text size="sm" c="dimmed">
          {says}
        </Text>
      )}
      {children}
    </Stack>
  )
}
