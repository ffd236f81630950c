/** Fields of a form as data: what each asks for, how, and what the server said is wrong with it. */
import { Checkbox, NativeSelect, PasswordInput, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { Problem } from '../api/ask.ts'
import { Foreign } from './foreign.tsx'

export type FieldValue = string | boolean | readonly string[]
export type Values = Readonly<Record<string, FieldValue>>

export interface Field {
  name: string
  label: string
  /** What it is for, in half a sentence. */
  says?: string
  /** `lines` is one value a line; `many` are boxes; default `text`. */
  kind?: 'text' | 'secret' | 'email' | 'date' | 'tick' | 'choice' | 'many' | 'lines'
  options?: readonly (readonly [value: string, label: string])[]
  required?: boolean
  /** Of `lines`: cleared once it was taken, as `secret` is. */
  isSecret?: boolean
  placeholder?: string
  /** How the server calls it in what is wrong; default its name. */
  at?: string
  shows?(values: Values): boolean
}

export const text = (values: Values, name: string): string => String(values[name] ?? '').trim()
export const isOn = (values: Values, name: string): boolean => values[name] === true
export const many = (values: Values, name: string): readonly string[] => {
  const value = values[name]
  if (typeof value === 'string') return value.split(/[\s,;]+/).filter((one) => one !== '')
  return Array.isArray(value) ? value : []
}

/** @returns the last moment of a day as it is here, or undefined where none was given */
export function endOfDay(values: Values, name: string): string | undefined {
  const day = text(values, name)
  return day === '' ? undefined : new Date(`${day}T23:59:59`).toISOString()
}

interface FieldsProps {
  fields: readonly Field[]
  values: Values
  error: unknown
  isLocked: boolean
  change(name: string, value: FieldValue): void
}

export function Fields({ fields, values, error, isLocked, change }: FieldsProps) {
  return fields
    .filter(({ shows }) => shows?.(values) ?? true)
    .map((field) => (
      <One
        key={field.name}
        field={field}
        value={values[field.name]}
        wrong={error instanceof Problem ? error.at(field.at ?? field.name) : undefined}
        isLocked={isLocked}
        change={(value) => change(field.name, value)}
      />
    ))
}

interface OneProps {
  field: Field
  value: FieldValue | undefined
  wrong: string | undefined
  isLocked: boolean
  change(value: FieldValue): void
}

function One({ field, value, wrong, isLocked, change }: OneProps) {
  const { label, says, kind = 'text', options = [], required = false, placeholder } = field
  const error = wrong === undefined ? undefined : <Foreign text={wrong} />
  const about = { label, description: says, error, disabled: isLocked }
  const typed = {
    ...about,
    ...{ required, autoComplete: 'off', spellCheck: false, value: String(value ?? '') },
    ...(placeholder === undefined ? {} : { placeholder }),
    onChange: (event: { currentTarget: { value: string } }) => change(event.currentTarget.value),
  }
  switch (kind) {
    case 'tick':
      return <Checkbox {...about} checked={value === true} onChange={(event) => change(event.currentTarget.checked)} />
    case 'many':
      return <Boxes {...{ field, isLocked, change }} chosen={Array.isArray(value) ? value : []} error={error} />
    case 'choice':
      return <NativeSelect {...typed} data={options.map(([value, label]) => ({ value, label }))} />
    case 'lines':
      return <Textarea {...typed} autosize minRows={2} maxRows={12} />
    case 'secret':
      return (
        <PasswordInput
          {...typed}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': `Show: ${label}` }}
        />
      )
    default:
      return <TextInput {...typed} type={kind} />
  }
}

interface BoxesProps extends Pick<OneProps, 'field' | 'isLocked' | 'change'> {
  chosen: readonly string[]
  error: React.ReactNode
}

function Boxes({ field: { label, says, options = [] }, chosen, error, isLocked, change }: BoxesProps) {
  return (
    <Checkbox.Group label={label} description={says} error={error} value={[...chosen]} onChange={change}>
      <Stack gap={6} mt="xs">
        {options.map(([value, name]) => (
          <Checkbox key={value} value={value} label={<Text size="sm">{name}</Text>} disabled={isLocked} />
        ))}
      </Stack>
    </Checkbox.Group>
  )
}
