/** All that one caller may use in one portal: each tool with its verdict and whose it is, and the way to the whole explanation. */
import { Group, List, Select, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { AccessOverview, ToolOverlooked } from '../../../../src/contract/access-overview.ts'
import { overviewQuery } from '../../api/access.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { useSpot } from '../../parts/spot.ts'
import { Nothing, ProblemNote, Waiting } from '../../parts/told.tsx'
import { useFind } from '../../parts/use-find.ts'
import { type Asked, searchOf } from '../../rules/asked.ts'
import { ACCESS } from '../../words/access.ts'
import { COMMON } from '../../words/common.ts'
import { Verdict } from './verdict.tsx'

const { overview: WORDS } = ACCESS
const VERDICTS = ['allowed', 'depends', 'denied'] as const

export interface OverviewProps {
  asked: Asked
  /** The one that is meant, also where the question names none. */
  portal: string
}

export function Overview({ asked, portal }: OverviewProps) {
  const { data, error, refetch } = useQuery(overviewQuery(asked, portal))
  return (
    <Stack component="section" aria-label={WORDS.title}>
      <Title order={2} size="h4">
        {WORDS.title}
      </Title>
      {error !== null ? (
        <ProblemNote error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting />
      ) : data.tools.length === 0 ? (
        <Nothing {...WORDS.none} />
      ) : (
        <Found overview={data} asked={asked} />
      )}
    </Stack>
  )
}

function Found({ overview, asked }: { overview: AccessOverview; asked: Asked }) {
  const { counts, servers, tools, portal } = overview
  const { search, go } = useSpot()
  const [find, type] = useFind()
  const verdict = VERDICTS.find((one) => one === search.verdict) ?? null
  const at = servers.find(({ id }) => id === (asked.server || search.at))?.id ?? null
  const wanted = find.toLowerCase()
  const shown = tools.filter(
    (one) =>
      (verdict === null || one.verdict === verdict) &&
      (at === null || one.server === at) &&
      `${one.name} ${one.original} ${saysOf(one)}`.toLowerCase().includes(wanted),
  )
  const known = servers.flatMap(({ id, obstacles }) => obstacles.map(({ says }) => `${id}: ${says}`))
  return (
    <>
      <Text size="sm" role="status">
        {WORDS.counts(counts)}
        {shown.length === tools.length ? '' : ` ${WORDS.shown(shown.length)}`}
      </Text>
      {known.length > 0 && (
        <List size="sm">
          {known.map((line) => (
            <List.Item key={line}>
              <Foreign text={line} />
            </List.Item>
          ))}
        </List>
      )}
      <Group align="flex-end">
        <TextInput
          label={WORDS.find}
          value={find}
          onChange={(event) => type(event.currentTarget.value)}
          style={{ flex: '1 1 14rem' }}
        />
        <Select
          label={WORDS.verdict}
          placeholder={WORDS.any}
          data={VERDICTS.map((value) => ({ value, label: ACCESS.verdicts[value] }))}
          value={verdict}
          onChange={(to) => go({ verdict: to ?? undefined }, { replace: true })}
          clearable
          clearButtonProps={{ 'aria-label': WORDS.any }}
        />
        {asked.server === '' && servers.length > 1 && (
          <Select
            label={WORDS.at}
            placeholder={ACCESS.anyServer}
            data={servers.map(({ id, name }) => ({ value: id, label: name }))}
            value={at}
            onChange={(to) => go({ at: to ?? undefined }, { replace: true })}
            searchable
            limit={100}
            clearable
            clearButtonProps={{ 'aria-label': ACCESS.anyServer }}
          />
        )}
      </Group>
      {shown.length === 0 ? (
        <Nothing title={COMMON.nothingMatches} says="" />
      ) : (
        <Rows
          label={WORDS.title}
          rows={shown}
          columns={COLUMNS}
          idOf={({ name }) => name}
          minWidth={46}
          height={`min(${shown.length * 44 + 48}px, 70dvh)`}
          linkOf={({ name }) => ({ to: '/access', search: searchOf({ ...asked, portal, server: '', name }) })}
        />
      )}
    </>
  )
}

const COLUMNS: readonly Column<ToolOverlooked>[] = [
  { title: WORDS.columns.tool, width: 'minmax(10rem, 3fr)', cell: ({ name }) => <Foreign text={name} fw={600} /> },
  { title: WORDS.columns.server, width: 'minmax(5rem, 1fr)', cell: ({ server }) => <Foreign text={server} /> },
  { title: WORDS.columns.verdict, width: '7rem', cell: ({ verdict }) => <Verdict verdict={verdict} /> },
  { title: WORDS.columns.by, width: 'minmax(14rem, 4fr)', cell: (one) => <Foreign text={saysOf(one)} /> },
]

/** Whose verdict it is, and what is to know beside it. What stands in the way comes first, since no policy changes that. */
function saysOf({ obstacles, decided_by: deciders, depends_on: waits, asks }: ToolOverlooked): string {
  if (obstacles.length > 0) return obstacles.map((what) => WORDS.obstacles[what]).join('; ')
  const by = deciders.map(({ level, name }) => WORDS.by(name, level)).join(', ')
  const beside = [...waits.map((what) => WORDS.waits[what]), ...asks.map((what) => WORDS.asks[what])]
  return beside.length === 0 ? by : `${by} · ${beside.join(', ')}`
}
