/** Programs that people and bots use, in three tabs: OAuth clients, service tokens, access tokens. */
import { Tabs, Text } from '@mantine/core'
import type { ComponentType } from 'react'
import type { Right } from '../../../../src/contract/rights.ts'
import { useMay } from '../../api/me.ts'
import { Page } from '../../parts/page.tsx'
import { useSpot } from '../../parts/spot.ts'
import { CLIENTS } from '../../words/clients.ts'
import { PAGES } from '../../words/shell.ts'
import { AccessTokens } from './access-tokens.tsx'
import { OauthClients } from './oauth-clients.tsx'
import { ServiceTokens } from './service-tokens.tsx'

const TABS: readonly (readonly [keyof typeof CLIENTS.tabs, Right, ComponentType])[] = [
  ['oauth', 'oauth_clients:read', OauthClients],
  ['service', 'service_tokens:read', ServiceTokens],
  ['access', 'access_tokens:read', AccessTokens],
]

export function ClientList() {
  const { search, go } = useSpot()
  const may = {
    'oauth_clients:read': useMay('oauth_clients:read'),
    'service_tokens:read': useMay('service_tokens:read'),
    'access_tokens:read': useMay('access_tokens:read'),
  } as Partial<Record<Right, boolean>>
  const shown = TABS.filter(([, right]) => may[right])
  const here = shown.find(([name]) => name === search.tab)?.[0] ?? 'oauth'
  return (
    <Page {...PAGES.clients}>
      <Tabs
        value={here}
        onChange={(tab) => go({ tab: tab === 'oauth' ? undefined : (tab ?? undefined), id: undefined, new: undefined })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {shown.map(([name]) => (
            <Tabs.Tab key={name} value={name}>
              {CLIENTS.tabs[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {shown.map(([name, , Panel]) => (
          <Tabs.Panel key={name} value={name}>
            <Text size="sm" c="dimmed" mb="md" maw="46rem">
              {CLIENTS[name].says}
            </Text>
            <Panel />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}
