/** Calls and their times as pictures, each with the same as a table. The place of a picture is kept while it is loaded. */
import { Box, SimpleGrid, Skeleton, Table } from '@mantine/core'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { OVERVIEW } from '../../words/overview.ts'
import { milliseconds, number, slotName } from './numbers.ts'
import { Section } from './section.tsx'

const HEIGHT = 260
const CallsChart = lazy(() => import('./charts.tsx').then((module) => ({ default: module.CallsChart })))
const LatencyChart = lazy(() => import('./charts.tsx').then((module) => ({ default: module.LatencyChart })))

export function Traffic({ slots, hours }: { slots: OverviewShown['slots']; hours: number }) {
  const { charts, figures } = OVERVIEW
  const given = { slots, hours, height: HEIGHT }
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <Section title={charts.calls.title}>
        <Picture>
          <CallsChart {...given} />
        </Picture>
        <AsTable
          title={charts.calls.table}
          heads={[figures.answered, figures.tool_error, figures.refused, figures.failed]}
          rows={slots.map(({ at, answered, tool_error, refused, failed }) => [
            slotName(at, hours),
            ...[answered, tool_error, refused, failed].map(number),
          ])}
        />
      </Section>
      <Section title={charts.latency.title} says={charts.latency.says}>
        <Picture>
          <LatencyChart {...given} />
        </Picture>
        <AsTable
          title={charts.latency.table}
          heads={[
            ...[charts.series.portalP50, charts.series.portalP95],
            ...[charts.series.upstreamP50, charts.series.upstreamP95],
          ]}
          rows={slots.map(({ at, portal, upstream }) => [
            slotName(at, hours),
            ...[portal.p50, portal.p95, upstream.p50, upstream.p95].map(milliseconds),
          ])}
        />
      </Section>
    </SimpleGrid>
  )
}

/** For the eye alone: who does not see it has the table. */
function Picture({ children }: { children: ReactNode }) {
  return (
    <Box h={HEIGHT} aria-hidden="true">
      <Suspense fallback={<Skeleton height={HEIGHT} />}>{children}</Suspense>
    </Box>
  )
}

interface AsTableProps {
  title: string
  heads: readonly string[]
  /** The first of each says when. */
  rows: readonly (readonly string[])[]
}

/** Its rows are there once it is opened: sixty of them, redrawn every few seconds, are not for nothing. */
function AsTable({ title, heads, rows }: AsTableProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <Box
      component="details"
      fz="sm"
      onToggle={(event: React.ToggleEvent<HTMLElement>) => setOpen(event.newState === 'open')}
    >
      <summary>{title}</summary>
      {isOpen && (
        <Table fz="xs" horizontalSpacing={4} verticalSpacing={2}>
          <Table.Thead>
            <Table.Tr>
              {[OVERVIEW.charts.when, ...heads].map((head) => (
                <Table.Th key={head} scope="col">
                  {head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(([when, ...values]) => (
              <Table.Tr key={when}>
                <Table.Th scope="row">{when}</Table.Th>
                {values.map((value, at) => (
                  <Table.Td key={heads[at]}>{value}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Box>
  )
}
