/** How much time the first page looks back on. It stands in the address, so that a link shows the same. */
import { SegmentedControl } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { OVERVIEW } from '../../words/overview.ts'

const HOURS = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 } as const
type Range = keyof typeof HOURS
const RANGES: readonly Range[] = ['1h', '24h', '7d', '30d']
const USUAL: Range = '24h'

function isRange(text: unknown): text is Range {
  return RANGES.some((range) => range === text)
}

/** @returns the range that the address names, else a day */
export function useRange(): { range: Range; hours: number } {
  const { range } = useSearch({ strict: false })
  const chosen = isRange(range) ? range : USUAL
  return { range: chosen, hours: HOURS[chosen] }
}

export function RangeChoice({ range }: { range: Range }) {
  const navigate = useNavigate()
  return (
    <SegmentedControl
      size="xs"
      aria-label={OVERVIEW.range.label}
      transitionDuration={0}
      data={RANGES.map((value) => ({ value, label: OVERVIEW.range[value] }))}
      value={range}
      onChange={(value) =>
        void navigate({ to: '/', search: { range: value === USUAL ? undefined : value }, replace: true })
      }
    />
  )
}
