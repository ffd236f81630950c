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
import { FilterChips, FilteredBy, type FilterProps, WordsBox } from './filters.tsx'
import { sinceOf, TimeChoice } from './times.tsx'
import { type LogView, useLog } from './use-log.ts'

const EXPORT_ROWS = 1_000_000
/** Tall from the beginning, so that nothing jumps when rows come. */
const HEIGHT = 'max(16rem, calc(100dvh - 21rem))'

/** What the server is asked by; a range begins when it was chosen. */
function filtersOf(search: Search): Query {
  return {
    ...Object.fromEntries(FILTERS.map((name) => [name, search[name]])),
    q: search.q,
    until: search.until,
    since: search.since ?? sinceOf(search.range),
    phase: search.begun === 'true' ? undefined : 'ended',
  }
}

export function Logs() {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const change = useCallback(
    (next: Search) => void navigate({ to: '/logs', search: next, replace: true, resetScroll: false }),
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
          <TimeChoice search={search} change={change} />
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
            {isLive && !view.isHearing
              ? view.isLost
                ? LOGS.lost
                : LOGS.connecting
              : LOGS.shown(view.rows.length, !view.hasOlder)}
          </Text>
        </Group>
        <Box
          ref={scroller}
          mih={HEIGHT}
          onScrollCapture={({ target }: UIEvent) => setDown((target as HTMLElement).scrollTop > 8)}
        >
          <RowsOrNot view={view} search={asked} change={(next) => change({ ...next, live })} />
        </Box>
      </Stack>
      <DeedDrawer
        deed={deed}
        search={search}
        rows={view.rows}
        step={(next) => change({ ...search, deed: next })}
        onEnd={view.older}
        onClose={() => change({ ...search, deed: undefined })}
      />
    </Page>
  )
}

interface RowsOrNotProps extends FilterProps {
  view: LogView
}

function RowsOrNot({ view, search, change }: RowsOrNotProps) {
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
  const isFiltered = Object.keys(search).some((name) => name !== 'begun')
  const further = hasOlder && (
    <Button variant="default" onClick={older}>
      {LOGS.older}
    </Button>
  )
  if (!isFiltered) return <Nothing {...LOGS.none}>{further}</Nothing>
  return (
    <Nothing {...LOGS.unmatched}>
      <Stack gap="sm" align="center">
        <FilteredBy search={search} change={change} />
        {further}
      </Stack>
    </Nothing>
  )
}

function Export({ filters }: { filters: Query }) {
  const stop = useRef<AbortController>(null)
  const keep = useMutation({
    mutationFn: async (format: 'csv' | 'jsonl') => {
      stop.current = new AbortController()
      const { signal } = stop.current
      await keepLogs(filters, { format, rows: EXPORT_ROWS, signal }).catch((error: unknown) => {
        // Whoever broke it off knows.
        if (!signal.aborted) throw error
      })
    },
  })
  return (
    <Group gap="sm">
      {keep.error !== null && <ProblemNote error={keep.error} />}
      {keep.isPending && (
        <Button variant="default" onClick={() => stop.current?.abort()}>
          {LOGS.export.stop}
        </Button>
      )}
      <Menu position="bottom-end" transitionProps={{ duration: 0 }} withInitialFocusPlaceholder={false}>
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
