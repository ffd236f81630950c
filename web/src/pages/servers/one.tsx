/** One server: how it is, what it offers, what of it waits for a decision, and everything that can be set. */
import { Group, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ServerShown } from '../../../../src/contract/server.ts'
import { serverQuery } from '../../api/servers.ts'
import { FromFileBadge } from '../../parts/from-file.tsx'
import { later } from '../../parts/later.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Page } from '../../parts/page.tsx'
import { useSpot } from '../../parts/spot.ts'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { SERVERS } from '../../words/servers.ts'
import { PAGES } from '../../words/shell.ts'
import { ServerOverview } from './server-overview.tsx'
import { STATUS_COLOR } from './status-color.ts'

const Capabilities = later(async () => (await import('./capabilities.tsx')).Capabilities)
const Credentials = later(async () => (await import('./credentials.tsx')).Credentials)
const HeldDefinitions = later(async () => (await import('./held.tsx')).HeldDefinitions)
const Processes = later(async () => (await import('./processes.tsx')).Processes)
const ServerSettings = later(async () => (await import('./server-settings.tsx')).ServerSettings)

type Tab = keyof typeof SERVERS.tabs

export function ServerOne() {
  const { id = '' } = useParams({ strict: false })
  const { data, error, refetch } = useQuery(serverQuery(id))
  const above = [['/servers', PAGES.servers.title]] as const
  if (data === undefined || data.id !== id)
    return (
      <Page title={id} above={above}>
        {error === null ? <Waiting /> : <ProblemNote error={error} again={() => void refetch()} />}
      </Page>
    )
  return (
    <Page
      title={data.name}
      above={above}
      actions={
        <Group gap="xs">
          <FromFileBadge origin={data.origin} />
          <Mark color={STATUS_COLOR[data.status]}>{SERVERS.status[data.status]}</Mark>
        </Group>
      }
    >
      <ServerTabs server={data} />
    </Page>
  )
}

function titleOf(tab: Tab, { tool_count, prompt_count, held_definitions }: ServerShown): string {
  const counts: Partial<Record<Tab, number>> = { tools: tool_count, prompts: prompt_count, held: held_definitions }
  return counts[tab] === undefined ? SERVERS.tabs[tab] : `${SERVERS.tabs[tab]} (${counts[tab]})`
}

function ServerTabs({ server }: { server: ServerShown }) {
  const { search, go } = useSpot()
  const tabs = (Object.keys(SERVERS.tabs) as Tab[]).filter(
    (tab) => tab !== 'processes' || server.transport !== undefined,
  )
  const tab = tabs.find((one) => one === search.tab) ?? 'overview'
  return (
    <Tabs
      value={tab}
      // What was looked for or open in one tab means nothing in another.
      onChange={(next) =>
        go(
          { tab: next === 'overview' ? undefined : (next ?? undefined), q: undefined, of: undefined },
          { replace: true },
        )
      }
      keepMounted={false}
      activateTabWithKeyboard={false}
    >
      <Tabs.List mb="md">
        {tabs.map((one) => (
          <Tabs.Tab key={one} value={one}>
            {titleOf(one, server)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={tab}>
        <Content tab={tab} server={server} />
      </Tabs.Panel>
    </Tabs>
  )
}

function Content({ tab, server }: { tab: Tab; server: ServerShown }) {
  switch (tab) {
    case 'overview':
      return <ServerOverview server={server} />
    case 'credentials':
      return <Credentials key={server.id} server={server} />
    case 'tools':
    case 'prompts':
      return <Capabilities key={tab} server={server} kind={tab} />
    case 'held':
      return <HeldDefinitions server={server} />
    case 'settings':
      return <ServerSettings key={server.id} server={server} />
    case 'processes':
      return <Processes id={server.id} />
  }
}
