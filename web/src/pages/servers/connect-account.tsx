/** The link by which somebody gives the portal its account at a server; and what is wrong with the one that it has. */
import { Alert, Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AuthorizeShown } from '../../../../src/contract/connection.ts'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { useMay } from '../../api/me.ts'
import { authorizeServer } from '../../api/servers.ts'
import { Copyable } from '../../parts/copy.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { When } from '../../parts/when.tsx'
import { ONE_SERVER as SAYS } from '../../words/servers.ts'

export function ConnectAccount({ server }: { server: ServerShown }) {
  const may = useMay('servers:write')
  const [made, setMade] = useState<AuthorizeShown | null>(null)
  const link = useDeed(() => authorizeServer(server.id), { reads: [['servers', server.id]], after: setMade })
  const mode = server.auth_config_summary?.auth_mode
  const isOfPeople = server.auth_type === 'oauth' && (mode === 'dcr' || mode === 'manual')
  if (!isOfPeople || !may) return null
  return (
    <Alert variant="light" color={server.authentication_status === 'connected' ? 'gray' : 'yellow'}>
      <Stack gap="sm" align="flex-start">
        {server.connection?.problem && (
          <Text size="sm" className="foreign">
            {server.connection.problem}
          </Text>
        )}
        <Text size="sm">{SAYS.connectSays}</Text>
        <Button variant="default" size="xs" loading={link.isPending} onClick={() => link.mutate(undefined)}>
          {SAYS.connect}
        </Button>
        {link.error !== null && <ProblemNote error={link.error} />}
        {made !== null && (
          <>
            <Copyable text={made.url} label={SAYS.link} />
            <Text size="sm">
              {SAYS.linkUntil} <When at={made.expires_at} exact />
            </Text>
          </>
        )}
      </Stack>
    </Alert>
  )
}
