/** One of a few, each in words. */
import { NativeSelect } from '@mantine/core'

export function Choice<Value extends string>(props: {
  label: string
  description?: string
  value: Value
  words: Readonly<Record<Value, string>>
  onChange(value: Value): void
  error?: string | undefined
}) {
  const { value, words, onChange, ...more } = props
  const data = Object.entries<string>(words).map(([one, label]) => ({ value: one, label }))
  return (
    <NativeSelect
      {...more}
      value={value}
      data={data}
      onChange={({ currentTarget }) => onChange(currentTarget.value as Value)}
    />
  )
}
