/** Times: how long ago, with the very moment and its zone at hand. */
import { Text, Tooltip } from '@mantine/core'
import { useEffect, useState } from 'react'
import { COMMON } from '../words/common.ts'

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

const FULL = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'long' })
const CLOCK = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const DAY = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' })
const AGO = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const STEPS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

/** @param at ISO 8601 @returns "3 minutes ago", "in 2 days" */
export function ago(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return unit === 'second' ? (seconds > 0 ? 'in a moment' : 'just now') : AGO.format(Math.trunc(seconds / size), unit)
}

/** To the second, with the day. @param at ISO 8601 */
export function moment(at: string): string {
  const date = new Date(at)
  return `${DAY.format(date)}, ${CLOCK.format(date)}`
}

/** @param at ISO 8601; `exact` shows the moment itself */
export function When({ at, exact = false }: { at: string | null | undefined; exact?: boolean }) {
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 30_000)
    return () => clearInterval(timer)
  }, [])
  if (at === null || at === undefined)
    return (
      <Text component="span" inherit c="dimmed">
        {COMMON.never}
      </Text>
    )
  return (
    <Tooltip label={FULL.format(new Date(at))}>
      <time dateTime={at}>{exact ? moment(at) : ago(at)}</time>
    </Tooltip>
  )
}
