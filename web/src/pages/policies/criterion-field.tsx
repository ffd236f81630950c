/** One field of a selector: text, or a choice among what the portal has. */
import { MultiSelect, Select, TextInput } from '@mantine/core'
import { type UseQueryOptions, useQuery } from '@tanstack/react-query'
import { groupsQuery, listsQuery, providerChoicesQuery, tokenChoicesQuery } from '../../api/policies.ts'
import { textOf } from '../../rules/names.ts'
import { type Field, type FieldKind, RISKS } from '../../rules/selectors.ts'
import { POLICY_WORDS } from '../../words/policies.ts'

export interface CriterionFieldProps {
  field: Field
  value: unknown
  isLocked: boolean
  onChange(value: unknown): void
}

export function CriterionField(props: CriterionFieldProps) {
  const { field, value, isLocked, onChange } = props
  switch (field.kind) {
    case 'text':
      return (
        <TextInput
          label={field.label}
          description={field.says}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={textOf(value)}
          required={field.isOptional !== true}
          disabled={isLocked}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )
    case 'risks':
      return (
        <MultiSelect
          label={field.label}
          description={field.says}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          data={RISKS}
          value={Array.isArray(value) ? value.map(textOf) : []}
          disabled={isLocked}
          onChange={onChange}
        />
      )
    default:
      return <ChosenField {...props} />
  }
}

interface Choice {
  id: string
  name: string
  type?: string
}

/** Where each kind of choice comes from, and which of its rows may be chosen. */
const SOURCES: Readonly<Record<Exclude<FieldKind, 'text' | 'risks'>, { query: object; type?: string }>> = {
  group: { query: groupsQuery },
  'email-list': { query: listsQuery, type: 'EMAIL' },
  'ip-list': { query: listsQuery, type: 'IP' },
  'service-token': { query: tokenChoicesQuery },
  provider: { query: providerChoicesQuery },
}

function ChosenField({ field, value, isLocked, onChange }: CriterionFieldProps) {
  const { query, type } = SOURCES[field.kind as keyof typeof SOURCES]
  const { data = [] } = useQuery(query as UseQueryOptions<Choice[]>)
  const chosen = textOf(value)
  const rows = data.filter((row) => type === undefined || row.type === type)
  // What is named and not known stays as it is, for all to see.
  const missing = chosen !== '' && !rows.some(({ id }) => id === chosen) ? [{ value: chosen, label: chosen }] : []
  return (
    <Select
      label={field.label}
      description={field.says}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      placeholder={POLICY_WORDS.form.choose}
      data={[...rows.map(({ id, name }) => ({ value: id, label: name })), ...missing]}
      value={chosen === '' ? null : chosen}
      searchable
      limit={100}
      disabled={isLocked}
      onChange={(id) => onChange(id ?? '')}
    />
  )
}
