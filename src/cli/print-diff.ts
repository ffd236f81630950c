/** What a change of policies would do, as lines: what was used first, since that is what somebody will miss. */
import type { z } from 'zod'
import type { SHAPES } from './paths.ts'
import type { Terminal } from './terminal.ts'

type Diff = z.infer<typeof SHAPES.policyDiff>

const HEADINGS = {
  loses: 'Would lose what they used',
  gains: 'Would gain what they tried',
  cannot_tell: 'Cannot be told',
} as const

export function printDiff(terminal: Pick<Terminal, 'print' | 'table'>, found: Diff): void {
  const { print, table } = terminal
  const { deeds } = found
  if (found.changed.length === 0) print('The file changes no policy; what it attaches where may differ.')
  print(
    `${deeds.replayed} of ${deeds.read} calls since ${found.since} decided again; ${deeds.unchanged} stay as they were.`,
  )
  print('By the facts of now: who was in which group then is not kept.')
  if (deeds.truncated) print('There were more than there was time for: this is the latest part.')
  for (const change of ['loses', 'gains', 'cannot_tell'] as const) {
    const rows = found.used
      .filter((one) => one.change === change)
      .map((one) => [
        one.actor,
        one.portal,
        `${one.server} ${one.capability}`,
        `${one.times}x`,
        one.last_at,
        rulesOf(one),
        one.note ?? '',
      ])
    if (rows.length === 0) continue
    print('')
    print(HEADINGS[change])
    table(['WHO', 'PORTAL', 'WHAT', 'USED', 'LAST', 'RULES', 'NOTE'], rows, '')
  }
  for (const { why, times, examples } of found.cannot_tell)
    print(`Cannot be told of ${times} calls: ${why} (${examples.join('; ')}).`)
  printEverybody(terminal, found.everybody)
}

function rulesOf({ rules: [before, after], before: was, after: will }: Diff['used'][number]): string {
  return `${was} (${before?.name ?? 'no rule'}) -> ${will} (${after?.name ?? 'no rule'})`
}

function printEverybody({ print, table }: Pick<Terminal, 'print' | 'table'>, everybody: Diff['everybody']): void {
  const { people, service_tokens: bots, capabilities, gains, loses, cannot_tell: untold, holders } = everybody
  print('')
  print(
    `Everybody, used or not: ${people} people, ${bots} service tokens, ${capabilities} capabilities that the change touches.`,
  )
  print(`${loses} would be lost, ${gains} gained, ${untold} cannot be told.`)
  if (holders.length > 0) {
    const rows = holders.map((one) => [
      one.actor,
      one.portal,
      `-${one.loses}`,
      `+${one.gains}`,
      `?${one.cannot_tell}`,
      one.examples.join(' '),
    ])
    table(['WHO', 'PORTAL', 'LOSES', 'GAINS', 'OPEN', 'SUCH AS'], rows, '')
  }
  if (everybody.truncated) print('There are more; the REST API has the same, and no more of it either.')
}
