/** A new filter: by what, and which of those that there are. What only old rows have can be typed in full. */
import { Autocomplete, Box, Button, Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { LogField } from '../../../../src/contract/log.ts'
import { FILTERS, type FilterName, valuesQuery } from '../../api/logs.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { LOGS } from '../../words/logs.ts'

const WORDS = LOGS.filter
const TYPING_MS = 200

type Add = (name: FilterName, value: string) => void
type Fixed = Exclude<FilterName, LogField>

/** Those that have few values, with what each is called. */
export const VALUES: Readonly<Record<Fixed, Readonly<Record<string, string>>>> = {
  plane: LOGS.plane,
  outcome: LOGS.outcome,
  decision: LOGS.decision,
}

function isFixed(name: FilterName): name is Fixed {
  return name in VALUES
}

export function FilterForm({ add }: { add: Add }) {
  const [name, setName] = useState<FilterName>('actor')
  return (
    <Stack gap="sm" w={320}>
      <NativeSelect
        label={WORDS.by}
        value={name}
        onChange={(event) => setName(FILTERS.find((one) => one === event.currentTarget.value) ?? 'actor')}
        data={FILTERS.map((one) => ({ value: one, label: WORDS.names[one] }))}
        data-autofocus
      />
      {isFixed(name) ? <OneOf key={name} name={name} add={add} /> : <OneFound key={name} name={name} add={add} />}
    </Stack>
  )
}

function OneOf({ name, add }: { name: Fixed; add: Add }) {
  const values = Object.entries(VALUES[name]).filter(([one]) => one !== 'begun')
  const [value, setValue] = useState(values[0]?.[0] ?? '')
  return (
    <Applied value={value} apply={() => add(name, value)}>
      <NativeSelect
        label={WORDS.value}
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        data={values.map(([one, label]) => ({ value: one, label }))}
      />
    </Applied>
  )
}

function OneFound({ name, add }: { name: LogField; add: Add }) {
  const [value, setValue] = useState('')
  const [find] = useDebouncedValue(value.trim(), TYPING_MS)
  const { data = [], isSuccess } = useQuery(valuesQuery(name, find))
  const counts = new Map(data.map(({ value, count }) => [value, count]))
  return (
    <>
      <Applied value={value} apply={() => add(name, value.trim())}>
        <Autocomplete
          label={WORDS.value}
          description={WORDS.hints[name]}
          maxLength={350}
          required
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={setValue}
          onOptionSubmit={(chosen) => add(name, chosen)}
          data={[...counts.keys()]}
          // What was found was sought by the server.
          filter={({ options }) => options}
          maxDropdownHeight={220}
          // In a portal of its own it would lie outside of the form, and choosing from it would close that.
          comboboxProps={{ withinPortal: false, transitionProps: { duration: 0 } }}
          renderOption={({ option }) => (
            <>
              <Foreign text={option.value} style={{ flex: 1, overflowWrap: 'anywhere' }} />
              <Text component="span" size="xs" c="dimmed">
                {counts.get(option.value)}
              </Text>
            </>
          )}
        />
      </Applied>
      {isSuccess && data.length === 0 && (
        <Text size="xs" c="dimmed" role="status">
          {WORDS.noValues}
        </Text>
      )}
    </>
  )
}

function Applied({ value, apply, children }: { value: string; apply(): void; children: React.ReactNode }) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (value.trim() !== '') apply()
  }
  return (
    <form onSubmit={submit}>
      {/* Beside the field: what opens below it would lie on the button. */}
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <Box flex={1}>{children}</Box>
        <Button type="submit">{WORDS.apply}</Button>
      </Group>
    </form>
  )
}
