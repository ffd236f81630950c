/** The figures at a glance. */
import { Paper, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { OVERVIEW } from '../../words/overview.ts'
import { Counted } from './away.tsx'
import { callsIn, OUTCOMES_OF } from './in-log.ts'
import { milliseconds, percent } from './numbers.ts'

const OUTCOMES = ['answered', 'tool_error', 'refused', 'failed'] as const

export function Figures({ overview }: { overview: OverviewShown }) {
  const { figures } = OVERVIEW
  const { calls, latency } = overview
  const inLog = callsIn(overview)
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, lg: 7 }} spacing="sm">
      <Figure name={figures.calls} value={<Counted count={calls.total} of={figures.calls} search={inLog} />} />
      {OUTCOMES.map((outcome) => (
        <Figure
          key={outcome}
          name={figures[outcome]}
          value={
            <Counted
              count={calls[outcome]}
              of={figures[outcome]}
              search={{ ...inLog, outcome: OUTCOMES_OF[outcome] }}
            />
          }
          says={calls.total === 0 ? '' : figures.share(percent(calls[outcome], calls.total))}
        />
      ))}
      {(['portal', 'upstream'] as const).map((place) => (
        <Figure
          key={place}
          name={figures[place]}
          value={milliseconds(latency[place].p50)}
          says={latency[place].p95 === null ? '' : figures.p95(milliseconds(latency[place].p95))}
        />
      ))}
    </SimpleGrid>
  )
}

function Figure({ name, value, says = '' }: { name: string; value: ReactNode; says?: string }) {
  return (
    <Paper withBorder p="sm" style={{ minWidth: 0 }}>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="xl" fw={650}>
        {value}
      </Text>
      {/* As tall without words as with them. */}
      <Text size="xs" c="dimmed" mih="1.55em">
        {says}
      </Text>
    </Paper>
  )
}
