/** The portals that a server is behind, and the way to put it behind another, at once: behind none, nobody sees it. */
import { Alert, Anchor, Button, Group, List, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { PortalSummary } from '../../../../src/contract/portal.ts'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { useMay } from '../../api/me.ts'
import { changeServers, portalsQuery, SERVERS_OF_PORTAL_READS } from '../../api/portals.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { ONE_SERVER as SAYS } from '../../words/servers.ts'

export function BehindPortals({ server }: { server: ServerShown }) {
  const { data: portals, error, refetch } = useQuery(portalsQuery)
  const may = useMay('portals:write')
  if (error !== null && portals === undefined) return <ProblemNote error={error} again={() => void refetch()} />
  if (portals === undefined) return null
  const isIn = ({ server_ids }: PortalSummary) => server_ids.includes(server.id)
  const behind = portals.filter(isIn)
  const free = portals.filter((portal) => !isIn(portal) && portal.origin !== 'file')
  return (
    <Alert
      variant="light"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
      color={behind.length === 0 ? 'yellow' : 'gray'}
      title={behind.length === 0 ? SAYS.behindNone : SAYS.behind}
    >
      <Stack gap="sm">
        {behind.length === 0 ? <Text size="sm">{SAYS.behindNoneSays}</Text> : <Portals portals={behind} />}
        {may && free.length > 0 && <Put server={server} free={free} />}
      </Stack>
    </Alert>
  )
}

function Portals({ portals }: { portals: readonly PortalSummary[] }) {
  return (
    <List size="sm">
      {portals.map(({ id, name }) => (
        <List.Item key={id}>
          <Anchor
            size="sm"
            underline="always"
            renderRoot={(props) => <Link to="/portals/$id" params={{ id }} {...props} />}
          >
            <Foreign text={name} />
          </Anchor>
        </List.Item>
      ))}
    </List>
  )
}

function Put({ server, free }: { server: ServerShown; free: readonly PortalSummary[] }) {
  // What was chosen may be behind it by now.
  const [asked, choose] = useState<string | null>(null)
  const chosen = free.find(({ id }) => id === asked) ?? (free.length === 1 ? free[0] : undefined)
  const put = useDeed((portal: string) => changeServers(portal, (all) => [...all, { server_id: server.id }]), {
    reads: [...SERVERS_OF_PORTAL_READS, ['servers']],
    done: SAYS.putBehind,
  })
  return (
    <>
      <Group align="flex-end">
        <Select
          label={SAYS.portalToPut}
          data={free.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` }))}
          value={chosen?.id ?? null}
          onChange={choose}
          searchable
          limit={100}
          w="min(20rem, 100%)"
        />
        <Button
          disabled={chosen === undefined}
          loading={put.isPending}
          onClick={() => chosen !== undefined && put.mutate(chosen.id)}
        >
          {SAYS.putDeed}
        </Button>
      </Group>
      {put.error !== null && <ProblemNote error={put.error} />}
    </>
  )
}
