/** From one deed to the next, in the order of the list: by buttons, and by K and J. */
import { Button, Group, Text } from '@mantine/core'
import { useEffect } from 'react'
import type { LogRow } from '../../../../src/contract/log.ts'
import { LOGS } from '../../words/logs.ts'

const WORDS = LOGS.deed

export interface StepProps {
  /** The rows of the list, the newest first. */
  rows: readonly LogRow[]
  step(deed: string): void
  /** The last of them has been reached. */
  onEnd(): void
}

export function Steps({ deed, rows, step, onEnd }: StepProps & { deed: string }) {
  // A deed may have two rows in the list.
  const deeds = [...new Set(rows.map((row) => row.deed))]
  const at = deeds.indexOf(deed)
  const [newer, older] = at < 0 ? [] : [deeds[at - 1], deeds[at + 1]]
  useEffect(() => {
    if (at >= 0 && at >= deeds.length - 2) onEnd()
  }, [at, deeds.length, onEnd])
  useEffect(() => {
    const press = ({ key, target, ctrlKey, metaKey, altKey }: KeyboardEvent) => {
      if (ctrlKey || metaKey || altKey || (target as Element | null)?.closest?.('input, select, textarea') != null)
        return
      const next = { k: newer, j: older }[key]
      if (next !== undefined) step(next)
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [newer, older, step])
  // Whoever came by a link may stand beside the list.
  if (at < 0) return null
  const button = (title: string, next: string | undefined) => (
    <Button
      size="xs"
      variant="default"
      // One that is disabled under the finger would lose the focus.
      aria-disabled={next === undefined}
      data-disabled={next === undefined}
      onClick={() => next !== undefined && step(next)}
    >
      {title}
    </Button>
  )
  return (
    <Group gap="xs" mt={4} mb="md">
      {button(WORDS.newer, newer)}
      {button(WORDS.olderOne, older)}
      <Text size="sm" c="dimmed" role="status">
        {WORDS.place(at + 1, deeds.length)}
      </Text>
      <Text size="sm" c="dimmed">
        {WORDS.keys}
      </Text>
    </Group>
  )
}
