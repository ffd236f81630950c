/** One place in the arguments of a call, and what is said of it. */
import { CloseButton, Group, NumberInput, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core'
import { type ArgumentDraft, OPERATORS, type Operator } from '../../rules/reach-draft.ts'
import { POLICY_WORDS } from '../../words/policies.ts'

const WORDS = POLICY_WORDS.reach
const CHOICES = OPERATORS.map((value) => ({ value, label: WORDS.operators[value] }))

export interface ArgumentRowProps {
  condition: ArgumentDraft
  at: number
  isLocked: boolean
  onChange(condition: ArgumentDraft): void
  onRemove(): void
}

export function ArgumentRow(props: ArgumentRowProps) {
  const { condition, at, isLocked, onChange, onRemove } = props
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs">
      <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ flex: 1 }} spacing="sm">
        <TextInput
          label={WORDS.pointer.label}
          description={WORDS.pointer.says}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={condition.pointer}
          disabled={isLocked}
          onChange={(event) => onChange({ ...condition, pointer: event.currentTarget.value })}
        />
        <Select<Operator>
          label={WORDS.operator}
          data={CHOICES}
          value={condition.operator}
          allowDeselect={false}
          disabled={isLocked}
          onChange={(operator) => operator !== null && onChange({ ...condition, operator, text: '', most: '' })}
        />
        <Operand {...props} />
      </SimpleGrid>
      {!isLocked && <CloseButton aria-label={WORDS.removeArgument(at)} onClick={onRemove} mt={26} />}
    </Group>
  )
}

function Operand({ condition, isLocked, onChange }: ArgumentRowProps) {
  const { operator, text, most } = condition
  switch (operator) {
    case 'present':
    case 'absent':
      return null
    case 'one_of':
      return (
        <Textarea
          label={WORDS.value}
          description={WORDS.valueSays.one_of}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          autosize
          minRows={2}
          value={text}
          disabled={isLocked}
          onChange={(event) => onChange({ ...condition, text: event.currentTarget.value })}
        />
      )
    case 'range':
      return (
        <Group grow wrap="nowrap">
          <NumberInput
            label={WORDS.least}
            value={text}
            disabled={isLocked}
            onChange={(least) => onChange({ ...condition, text: String(least) })}
          />
          <NumberInput
            label={WORDS.most}
            value={most}
            disabled={isLocked}
            onChange={(value) => onChange({ ...condition, most: String(value) })}
          />
        </Group>
      )
    default:
      return (
        <TextInput
          label={WORDS.value}
          description={operator === 'equals' ? WORDS.valueSays.equals : undefined}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={text}
          disabled={isLocked}
          onChange={(event) => onChange({ ...condition, text: event.currentTarget.value })}
        />
      )
  }
}
