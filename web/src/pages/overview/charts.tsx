/** The two charts, and all that draws them: loaded when there is something to draw, and never with the first page's own text. */
import '@mantine/charts/styles.css'
import { BarChart, LineChart } from '@mantine/charts'
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import { OVERVIEW } from '../../words/overview.ts'
import { milliseconds, number, slotName } from './numbers.ts'

export interface ChartProps {
  slots: OverviewShown['slots']
  hours: number
  /** Pixels. */
  height: number
}

/** Each is three times as bright or as dark as the page behind it, in both colour schemes. */
const COLOR = { answered: 'blue.6', tool_error: 'orange.8', refused: 'grape.6', failed: 'red.8' } as const
const OUTCOMES = ['answered', 'tool_error', 'refused', 'failed'] as const
/** Nothing in it is reached by keyboard: what it shows stands in the table too. */
const DRAWN = { accessibilityLayer: false, withLegend: true, textColor: 'dimmed', tickLine: 'none' } as const

export function CallsChart({ slots, hours, height }: ChartProps) {
  return (
    <BarChart
      {...DRAWN}
      h={height}
      type="stacked"
      dataKey="name"
      data={slots.map(({ at, ...counts }) => ({ name: slotName(at, hours), ...counts }))}
      series={OUTCOMES.map((name) => ({ name, label: OVERVIEW.figures[name], color: COLOR[name] }))}
      valueFormatter={number}
      yAxisProps={{ allowDecimals: false, width: 48 }}
      xAxisProps={{ minTickGap: 24 }}
      barProps={{ isAnimationActive: false }}
    />
  )
}

export function LatencyChart({ slots, hours, height }: ChartProps) {
  const { series } = OVERVIEW.charts
  return (
    <LineChart
      {...DRAWN}
      h={height}
      dataKey="name"
      data={slots.map(({ at, portal, upstream }) => ({
        name: slotName(at, hours),
        ...{ portalP50: portal.p50, portalP95: portal.p95, upstreamP50: upstream.p50, upstreamP95: upstream.p95 },
      }))}
      series={[
        { name: 'upstreamP95', label: series.upstreamP95, color: COLOR.tool_error, strokeDasharray: '5 4' },
        { name: 'upstreamP50', label: series.upstreamP50, color: COLOR.tool_error },
        { name: 'portalP95', label: series.portalP95, color: COLOR.answered, strokeDasharray: '5 4' },
        { name: 'portalP50', label: series.portalP50, color: COLOR.answered },
      ]}
      valueFormatter={milliseconds}
      connectNulls
      curveType="linear"
      dotProps={{ r: 2 }}
      yAxisProps={{ width: 64 }}
      xAxisProps={{ minTickGap: 24 }}
      lineProps={{ isAnimationActive: false }}
    />
  )
}
