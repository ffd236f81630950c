/** Which time the log shows: back from now, or between two times, in the zone that times are shown in. All of it stands in the address. */
import { Group, NativeSelect, TextInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { ZONE } from '../../parts/when.tsx'
import { LOGS } from '../../words/logs.ts'
import type { FilterProps } from './filters.tsx'

const { label: LABEL, ...RANGES } = LOGS.range
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** How far each goes back, in milliseconds. */
const BACK: Readonly<Record<string, number>> = {
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 168 * HOUR_MS,
  '30d': 720 * HOUR_MS,
}

/** @returns since when, where a range is chosen; it begins when it was chosen */
export function sinceOf(range: string | undefined): string | undefined {
  const back = BACK[range ?? '']
  return back === undefined ? undefined : new Date(Date.now() - back).toISOString()
}

export function TimeChoice({ search, change }: FilterProps) {
  const isBetween = search.since !== undefined || search.until !== undefined
  const choose = (value: string) => {
    const { since: _, until: __, range: ___, ...rest } = search
    if (value !== 'between') return change({ ...rest, range: value === 'all' ? undefined : value })
    const now = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS
    const since = new Date(now - (BACK[search.range ?? ''] ?? HOUR_MS)).toISOString()
    change({ ...rest, since, until: new Date(now).toISOString() })
  }
  return (
    <Group gap="sm" align="flex-end">
      <NativeSelect
        aria-label={LABEL}
        value={isBetween ? 'between' : (search.range ?? 'all')}
        onChange={({ currentTarget: { value } }) => choose(value)}
        data={Object.entries(RANGES).map(([value, label]) => ({ value, label }))}
      />
      {isBetween &&
        (['since', 'until'] as const).map((end) => (
          <MomentField
            key={end}
            label={end === 'since' ? LOGS.from(ZONE) : LOGS.to(ZONE)}
            at={search[end]}
            change={(at) => change({ ...search, [end]: at })}
          />
        ))}
    </Group>
  )
}

/** What stands in it while somebody types is its own: the address follows a moment later, and half a time is none. */
function MomentField({ label, at, change }: { label: string; at: string | undefined; change(at: string): void }) {
  const [text, setText] = useState(toLocal(at))
  const asked = useRef(at)
  useEffect(() => {
    if (at === asked.current) return
    asked.current = at
    setText(toLocal(at))
  }, [at])
  const type = (value: string) => {
    setText(value)
    const moment = toMoment(value)
    if (moment === undefined) return
    asked.current = moment
    change(moment)
  }
  return (
    <TextInput
      label={label}
      type="datetime-local"
      step={1}
      value={text}
      onChange={(event) => type(event.currentTarget.value)}
    />
  )
}

/** @param at ISO 8601 @returns the same as the field has it: to the second, in the zone of whoever looks */
function toLocal(at: string | undefined): string {
  const time = Date.parse(at ?? '')
  if (Number.isNaN(time)) return ''
  return new Date(time - new Date(time).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 19)
}

function toMoment(local: string): string | undefined {
  const time = Date.parse(local)
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}
