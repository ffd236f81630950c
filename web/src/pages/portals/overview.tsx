/** Where clients reach a portal, whether one has come yet, and what each client must be told. */
import { Alert, Anchor, Card, List, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { PortalServerShown } from '../../../../src/contract/portal.ts'
import { meQuery } from '../../api/me.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
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
          <Rows
            label={SAYS.mounts}
            rows={portal.servers}
            columns={mountColumns(portal.id, me.url)}
            idOf={({ server_id }) => server_id}
            rowHeight={56}
            height={`min(${portal.servers.length * 56 + 64}px, 24rem)`}
          />
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

function mountColumns(portal: string, url: string): readonly Column<PortalServerShown>[] {
  return [
    { title: SAYS.mountServer, width: 'minmax(8rem, 1fr)', cell: ({ name }) => <Foreign text={name} /> },
    {
      title: SAYS.mountUrl,
      width: 'minmax(16rem, 3fr)',
      cell: ({ server_id }) => <Copyable text={mountOf(portal, server_id, url)} label={server_id} isLine />,
    },
  ]
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
