/** One portal, a tab for each thing that can be done with it. Which tab is open stands in the address. */
import { Button, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { FunctionComponent } from 'react'
import type { PortalShown } from '../../../../src/contract/portal.ts'
import { Problem } from '../../api/ask.ts'
import { portalQuery } from '../../api/portals.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { FromFileBadge, LockNote, useLock } from '../../parts/from-file.tsx'
import { later } from '../../parts/later.tsx'
import { Page } from '../../parts/page.tsx'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { PORTALS } from '../../words/portals.ts'
import { PAGES } from '../../words/shell.ts'
import { PortalOverview } from './overview.tsx'

export interface TabProps {
  portal: PortalShown
  /** What the portal has to report of it. */
  reports: readonly string[]
  /** Why nothing can be changed, or null. */
  lock: string | null
}

const PortalContext = later(async () => (await import('./context.tsx')).PortalContext)
const PortalServers = later(async () => (await import('./servers.tsx')).PortalServers)
const PortalSettings = later(async () => (await import('./settings.tsx')).PortalSettings)
const PortalTools = later(async () => (await import('./tools.tsx')).PortalTools)

const ABOVE = [['/portals', PAGES.portals.title]] as const
const TABS: readonly (readonly [name: keyof typeof PORTALS.tabs, tab: FunctionComponent<TabProps>])[] = [
  ['overview', PortalOverview],
  ['servers', PortalServers],
  ['tools', PortalTools],
  ['context', PortalContext],
  ['settings', PortalSettings],
]

export function PortalOne() {
  const { id = '' } = useParams({ strict: false })
  const { data, error, refetch } = useQuery(portalQuery(id))
  if (error instanceof Problem && error.status === 404)
    return (
      <Page title={PORTALS.gone.title} above={ABOVE}>
        <Nothing title={PORTALS.gone.title} says={PORTALS.gone.says}>
          <Button renderRoot={(props) => <Link to="/portals" {...props} />}>{PORTALS.gone.back}</Button>
        </Nothing>
      </Page>
    )
  // What was shown before stays while another is read; that must not be taken for this one.
  const isHere = data?.result.id === id
  return isHere ? (
    <Shown key={id} portal={data.result} reports={data.messages} />
  ) : (
    <Page title={id} above={ABOVE}>
      {error ? <ProblemNote error={error} again={() => void refetch()} /> : <Waiting />}
    </Page>
  )
}

function Shown({ portal, reports }: Pick<TabProps, 'portal' | 'reports'>) {
  const lock = useLock('portals:write', portal.origin)
  const navigate = useNavigate()
  const { tab } = useSearch({ strict: false })
  const [open] = TABS.find(([name]) => name === tab) ?? TABS[0] ?? ['overview']
  return (
    <Page title={portal.name} above={ABOVE} actions={<FromFileBadge origin={portal.origin} />}>
      {portal.description !== undefined && (
        <Text c="dimmed" size="sm">
          <Foreign text={portal.description} />
        </Text>
      )}
      <LockNote lock={lock} />
      <Tabs
        value={open}
        keepMounted={false}
        onChange={(to) =>
          void navigate({
            to: '/portals/$id',
            params: { id: portal.id },
            search: to === 'overview' ? {} : { tab: to ?? undefined },
          })
        }
      >
        <Tabs.List mb="lg">
          {TABS.map(([name]) => (
            <Tabs.Tab key={name} value={name}>
              {PORTALS.tabs[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(([name, Tab]) => (
          <Tabs.Panel key={name} value={name}>
            <Tab portal={portal} reports={reports} lock={lock} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}
