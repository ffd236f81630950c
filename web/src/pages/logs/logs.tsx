/** The log: everything that was asked of the portal, newest first, filtered, followed live, and one deed at a time. */
import { Box, Button, Group, Menu, Stack, Switch, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type UIEvent, useCallback, useMemo, useRef, useState } from 'react'
import type { Query } from '../../api/ask.ts'
import { FILTERS } from '../../api/logs.ts'
import { keepLogs } from '../../api/tail.ts'
import { Page } from '../../parts/page.tsx'
import { Rows } from '../../parts/rows.tsx'
import { beside } from '../../parts/spot.ts'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import type { Search } from '../../router.tsx'
import { LOGS } from '../../words/logs.ts'
import { PAGES } from '../../words/shell.ts'
import { COLUMNS } from './columns.tsx'
import { DeedDrawer } from './deed.tsx'
import { FilterChips, RangeChoice, WordsBox } from './filters.tsx'
import { type LogView, useLog } from './use-log.ts'

const HOURS: Readonly<Record<string, number>> = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 }
const HOUR_MS = 3_600_000
const EXPORT_ROWS = 50_000
/** Tall from the beginning, so that nothing jumps when rows come. */
const HEIGHT = 'max(16rem, calc(100dvh - 21rem))'

/** What the server is asked by; a range begins when it was chosen. */
function filtersOf(search: Search): Query {
  const hours = HOURS[search.range ?? '']
  return {
    ...Object.fromEntries(FILTERS.map((name) => [name, search[name]])),
    q: search.q,
    until: search.until,
    since: search.since ?? (hours === undefined ? undefined : new Date(Date.now() - hours * HOUR_MS).toISOString()),
    phase: search.begun === 'true' ? undefined : 'ended',
  }
}

/** The router would write what is not there as a word. */
function given(search: Search): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
}

export function Logs() {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const change = useCallback(
    (next: Search) => void navigate({ to: '/logs', search: given(next), replace: true, resetScroll: false }),
    [navigate],
  )
  // What is shown beside the rows changes nothing in them.
  const { deed, live, ...asked } = search
  const key = JSON.stringify(asked)
  const filters = useMemo(() => filtersOf(JSON.parse(key) as Search), [key])
  const [isPaused, setPaused] = useState(false)
  const [isDown, setDown] = useState(false)
  const isLive = live === 'true'
  const view = useLog(filters, { isLive, holds: isPaused || isDown })
  const scroller = useRef<HTMLDivElement>(null)

  const showFresh = () => {
    scroller.current?.querySelector('.rows')?.scrollTo({ top: 0 })
    view.show()
  }
  return (
    <Page {...PAGES.logs} actions={<Export filters={filters} />}>
      <Stack gap="sm">
        <Group gap="sm">
          <WordsBox search={search} change={change} />
          <RangeChoice search={search} change={change} />
        </Group>
        <FilterChips search={search} change={change} />
        <Group gap="md" mih={36}>
          <Switch
            label={LOGS.live}
            checked={isLive}
            onChange={({ currentTarget: { checked } }) => change({ ...search, live: checked ? 'true' : undefined })}
          />
          {isLive ? (
            <Button size="xs" variant="default" onClick={() => setPaused(!isPaused)}>
              {isPaused ? LOGS.resume : LOGS.pause}
            </Button>
          ) : (
            <Button size="xs" variant="default" onClick={view.again}>
              {LOGS.look}
            </Button>
          )}
          <Switch
            label={LOGS.phase}
            checked={search.begun === 'true'}
            onChange={({ currentTarget: { checked } }) => change({ ...search, begun: checked ? 'true' : undefined })}
          />
          {isLive && view.waiting.count > 0 && (
            <Button size="xs" onClick={showFresh}>
              {LOGS.fresh(view.waiting.count, view.waiting.isMore)}
            </Button>
          )}
          <Text size="sm" c="dimmed" role="status">
            {isLive && !view.isHearing ? LOGS.connecting : LOGS.shown(view.rows.length, !view.hasOlder)}
          </Text>
        </Group>
        <Box
          ref={scroller}
          mih={HEIGHT}
          onScrollCapture={({ target }: UIEvent) => setDown((target as HTMLElement).scrollTop > 8)}
        >
          <RowsOrNot view={view} isFiltered={Object.keys(asked).length > 0} />
        </Box>
      </Stack>
      <DeedDrawer deed={deed} search={search} onClose={() => change({ ...search, deed: undefined })} />
    </Page>
  )
}

function RowsOrNot({ view, isFiltered }: { view: LogView; isFiltered: boolean }) {
  const { rows, isPending, isLooking, hasOlder, error, older, again } = view
  if (error !== null && rows.length === 0) return <ProblemNote error={error} again={again} />
  if (isPending) return <Waiting rows={10} />
  if (rows.length > 0)
    return (
      <Stack gap="xs">
        <Rows
          label={PAGES.logs.title}
          rows={rows}
          columns={COLUMNS}
          idOf={({ seq }) => String(seq)}
          rowHeight={38}
          height={HEIGHT}
          minWidth={62}
          linkOf={({ deed }) => beside({ deed })}
          onEnd={older}
        />
        {error !== null && <ProblemNote error={error} again={again} />}
      </Stack>
    )
  if (isLooking) return <Text c="dimmed">{LOGS.looking}</Text>
  const words = isFiltered ? LOGS.unmatched : LOGS.none
  return (
    <Nothing {...words}>
      {hasOlder && (
        <Button variant="default" onClick={older}>
          {LOGS.older}
        </Button>
      )}
    </Nothing>
  )
}

function Export({ filters }: { filters: Query }) {
  const keep = useMutation({ mutationFn: (format: 'csv' | 'jsonl') => keepLogs(filters, format, EXPORT_ROWS) })
  return (
    <Group gap="sm">
      {keep.error !== null && <ProblemNote error={keep.error} />}
      <Menu position="bottom-end" transitionProps={{ duration: 0 }}>
        <Menu.Target>
          <Button variant="default" loading={keep.isPending}>
            {LOGS.export.open}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{LOGS.export.most(EXPORT_ROWS)}</Menu.Label>
          <Menu.Item onClick={() => keep.mutate('csv')}>{LOGS.export.csv}</Menu.Item>
          <Menu.Item onClick={() => keep.mutate('jsonl')}>{LOGS.export.jsonl}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  )
}
