/** What the log is filtered by: chips that can be added and taken away, words, and a time. All of it stands in the address. */
import { Button, Group, Pill, Popover, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'
import { FILTERS } from '../../api/logs.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { moment } from '../../parts/when.tsx'
import type { Search } from '../../router.tsx'
import { LOGS } from '../../words/logs.ts'
import { FilterForm, VALUES } from './filter-form.tsx'

const WORDS = LOGS.filter

const NAMES = [...FILTERS, 'since', 'until'] as const
type Name = (typeof NAMES)[number]
/** What the empty view takes away too. */
const ALL = [...NAMES, 'range', 'q']

export interface FilterProps {
  search: Search
  change(search: Search): void
}

export function FilterChips({ search, change }: FilterProps) {
  const chips = NAMES.filter((name) => search[name] !== undefined)
  const drop = (names: readonly string[]) => change(without(search, names))
  return (
    <Group gap="xs">
      <AddFilter search={search} change={change} />
      {chips.map((name) => (
        <Pill
          key={name}
          size="md"
          withRemoveButton
          onRemove={() => drop([name])}
          removeButtonProps={{ 'aria-label': WORDS.drop(WORDS.names[name]), tabIndex: 0, 'aria-hidden': false }}
        >
          {WORDS.names[name]}:{' '}
          <Foreign text={shown(name, search[name] ?? '')} fw={600} style={{ whiteSpace: 'nowrap' }} />
        </Pill>
      ))}
      {chips.length > 1 && (
        <Button size="compact-sm" variant="subtle" onClick={() => drop(NAMES)}>
          {WORDS.clear}
        </Button>
      )}
    </Group>
  )
}

function shown(name: Name, value: string): string {
  if (name === 'since' || name === 'until') return Number.isNaN(Date.parse(value)) ? value : moment(value)
  const words = name in VALUES ? VALUES[name as keyof typeof VALUES] : undefined
  return words === undefined
    ? value
    : value
        .split(',')
        .map((one) => words[one] ?? one)
        .join(WORDS.or)
}

/** What nothing was found by, and a way to be rid of it. */
export function FilteredBy({ search, change }: FilterProps) {
  const ranges: Readonly<Record<string, string>> = LOGS.range
  const by = [
    ...NAMES.flatMap((name) => (search[name] === undefined ? [] : [[WORDS.names[name], shown(name, search[name])]])),
    ...(search.range === undefined ? [] : [[LOGS.range.label, ranges[search.range] ?? search.range]]),
    ...(search.q === undefined ? [] : [[WORDS.words, search.q]]),
  ]
  return (
    <Stack gap="sm" align="center">
      <Foreign text={WORDS.by_(by.map(([name, value]) => `${name}: ${value}`).join('; '))} ta="center" />
      <Button variant="default" onClick={() => change(without(search, ALL))}>
        {WORDS.clear}
      </Button>
    </Stack>
  )
}

function without(search: Search, names: readonly string[]): Search {
  return Object.fromEntries(Object.entries(search).filter(([name]) => !names.includes(name)))
}

function AddFilter({ search, change }: FilterProps) {
  const [isOpen, { close, toggle }] = useDisclosure(false)
  return (
    <Popover
      opened={isOpen}
      onChange={(open) => !open && close()}
      trapFocus
      returnFocus
      position="bottom-start"
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <Button size="xs" variant="default" onClick={toggle}>
          {WORDS.add}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        {isOpen && (
          <FilterForm
            add={(name, value) => {
              change({ ...search, [name]: value })
              close()
            }}
          />
        )}
      </Popover.Dropdown>
    </Popover>
  )
}

const TYPING_MS = 350

/** Words are looked for once typing pauses. */
export function WordsBox({ search, change }: FilterProps) {
  const [text, setText] = useState(search.q ?? '')
  const asked = useRef(search.q ?? '')
  useEffect(() => {
    const stands = search.q ?? ''
    // A link or the back button has led to other words.
    if (stands !== asked.current) {
      asked.current = stands
      setText(stands)
      return
    }
    if (text.trim() === stands) return
    const timer = setTimeout(() => {
      asked.current = text.trim()
      change({ ...search, q: text.trim() || undefined })
    }, TYPING_MS)
    return () => clearTimeout(timer)
  }, [text, search, change])
  return (
    <TextInput
      type="search"
      aria-label={LOGS.q}
      placeholder={LOGS.qHint}
      maxLength={256}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      style={{ flex: '1 1 14rem' }}
    />
  )
}
