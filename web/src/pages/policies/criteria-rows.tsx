/** The three parts of a rule: rows that each have a selector and its own fields. Policies and groups share them. */
import { Button, CloseButton, Fieldset, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { type CriteriaDraft, type CriterionDraft, newCriterion, PARTS, type Part } from '../../rules/draft.ts'
import { FAMILIES, isSelector, SELECTOR_TABLE } from '../../rules/selectors.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { CriterionField } from './criterion-field.tsx'

const CHOICES = FAMILIES.map((family) => ({
  group: family,
  items: Object.entries(SELECTOR_TABLE)
    .filter(([, row]) => row.family === family)
    .map(([value, { title }]) => ({ value, label: title })),
}))

export interface CriteriaRowsProps {
  draft: CriteriaDraft
  isLocked: boolean
  onChange(part: Part, rows: readonly CriterionDraft[]): void
}

export function CriteriaRows({ draft, isLocked, onChange }: CriteriaRowsProps) {
  return PARTS.map((part) => (
    <PartRows key={part} part={part} rows={draft[part]} isLocked={isLocked} onChange={(rows) => onChange(part, rows)} />
  ))
}

interface PartRowsProps {
  part: Part
  rows: readonly CriterionDraft[]
  isLocked: boolean
  onChange(rows: readonly CriterionDraft[]): void
}

function PartRows({ part, rows, isLocked, onChange }: PartRowsProps) {
  const words = POLICY_WORDS.parts[part]
  return (
    <Fieldset legend={words.title} disabled={isLocked}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.says}
        </Text>
        {rows.map((row, at) => (
          <Row
            key={row.key}
            row={row}
            removes={POLICY_WORDS.form.removeRow(words.title, at + 1)}
            isLocked={isLocked}
            onChange={(changed) => onChange(rows.map((one) => (one.key === row.key ? changed : one)))}
            onRemove={() => onChange(rows.filter((one) => one.key !== row.key))}
          />
        ))}
        {!isLocked && (
          <Group>
            <Button size="xs" variant="default" onClick={() => onChange([...rows, newCriterion()])}>
              {words.add}
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  )
}

interface RowProps {
  row: CriterionDraft
  removes: string
  isLocked: boolean
  onChange(row: CriterionDraft): void
  onRemove(): void
}

function Row({ row, removes, isLocked, onChange, onRemove }: RowProps) {
  const fields = isSelector(row.selector) ? SELECTOR_TABLE[row.selector].fields : []
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs">
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }} style={{ flex: 1 }} spacing="sm">
        <Select
          label={POLICY_WORDS.form.selector}
          data={CHOICES}
          value={row.selector}
          searchable
          allowDeselect={false}
          disabled={isLocked}
          onChange={(selector) => selector !== null && onChange({ ...row, selector, value: {} })}
        />
        {fields.map((field) => (
          <CriterionField
            key={field.name}
            field={field}
            value={row.value[field.name]}
            isLocked={isLocked}
            onChange={(value) => onChange({ ...row, value: { ...row.value, [field.name]: value } })}
          />
        ))}
      </SimpleGrid>
      {!isLocked && <CloseButton aria-label={removes} onClick={onRemove} mt={26} />}
    </Group>
  )
}
