/** What the log is filtered by: chips that can be added and taken away, words, and a time. All of it stands in the address. */
import { Button, Group, NativeSelect, Pill, Popover, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { FILTERS, type FilterName } from '../../api/logs.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { moment } from '../../parts/when.tsx'
import type { Search } from '../../router.tsx'
import { LOGS } from '../../words/logs.ts'

const WORDS = LOGS.filter

/** Those that have few values, with what each is called. */
const VALUES: Readonly<Partial<Record<string, Readonly<Record<string, string>>>>> = {
  plane: LOGS.plane,
  outcome: LOGS.outcome,
  decision: LOGS.decision,
}

const TIMES = ['since', 'until'] as const
type Name = FilterName | (typeof TIMES)[number]
const NAMES: readonly Name[] = [...FILTERS, ...TIMES]

export interface FilterProps {
  search: Search
  change(search: Search): void
}

export function FilterChips({ search, change }: FilterProps) {
  const chips = NAMES.filter((name) => search[name] !== undefined)
  const drop = (names: readonly string[]) =>
    change(Object.fromEntries(Object.entries(search).filter(([name]) => !names.includes(name))))
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
          {WORDS.names[name]}: <Foreign text={shown(name, search[name] ?? '')} fw={600} />
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
  return VALUES[name]?.[value] ?? value
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

function FilterForm({ add }: { add(name: Name, value: string): void }) {
  const [name, setName] = useState<Name>('outcome')
  const [value, setValue] = useState('answered')
  const values = VALUES[name]
  const isTime = name === 'since' || name === 'until'
  const choose = (next: string) => {
    const found = NAMES.find((one) => one === next) ?? 'outcome'
    setName(found)
    setValue(Object.keys(VALUES[found] ?? {})[0] ?? '')
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const given = isTime && value !== '' ? new Date(value).toISOString() : value.trim()
    if (given !== '') add(name, given)
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" w={260}>
        <NativeSelect
          label={WORDS.by}
          value={name}
          onChange={(event) => choose(event.currentTarget.value)}
          data={NAMES.map((one) => ({ value: one, label: WORDS.names[one] }))}
          data-autofocus
        />
        {values === undefined ? (
          <TextInput
            label={isTime ? WORDS.names[name] : WORDS.value}
            description={WORDS.hints[name]}
            type={isTime ? 'datetime-local' : 'text'}
            step={1}
            maxLength={350}
            required
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
          />
        ) : (
          <NativeSelect
            label={WORDS.value}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
            data={Object.entries(values)
              .filter(([one]) => one !== 'begun')
              .map(([one, label]) => ({ value: one, label }))}
          />
        )}
        <Button type="submit" size="xs">
          {WORDS.apply}
        </Button>
      </Stack>
    </form>
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

const { label: RANGE_LABEL, ...RANGES } = LOGS.range

export function RangeChoice({ search, change }: FilterProps) {
  return (
    <NativeSelect
      aria-label={RANGE_LABEL}
      value={search.range ?? 'all'}
      onChange={({ currentTarget: { value } }) => change({ ...search, range: value === 'all' ? undefined : value })}
      data={Object.entries(RANGES).map(([value, label]) => ({ value, label }))}
    />
  )
}
