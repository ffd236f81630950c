/** Who may approve a call, and how many of them it takes: a part of the form that only policies of that kind need. */
import { Button, Fieldset, NumberInput, Select, SimpleGrid, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ApprovalGroupInput } from '../../../../src/contract/policy.ts'
import { listsQuery } from '../../api/policies.ts'
import { POLICY_WORDS } from '../../words/policies.ts'

const WORDS = POLICY_WORDS.terms
const BELOW = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[]

export interface ApproversProps {
  group: ApprovalGroupInput
  at: number
  isLocked: boolean
  onChange(group: ApprovalGroupInput): void
  onRemove(): void
}

export function Approvers({ group, at, isLocked, onChange, onRemove }: ApproversProps) {
  const { data = [] } = useQuery(listsQuery)
  const lists = data.filter(({ type }) => type === 'EMAIL').map(({ id, name }) => ({ value: id, label: name }))
  return (
    <Fieldset legend={WORDS.approvers(at)} disabled={isLocked}>
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        <NumberInput
          label={WORDS.needed.label}
          description={WORDS.needed.says}
          inputWrapperOrder={BELOW}
          min={1}
          max={100}
          value={group.approvals_needed}
          disabled={isLocked}
          onChange={(needed) => onChange({ ...group, approvals_needed: Number(needed) })}
        />
        <TagsInput
          label={WORDS.emails.label}
          description={WORDS.emails.says}
          inputWrapperOrder={BELOW}
          value={group.email_addresses ?? []}
          acceptValueOnBlur
          disabled={isLocked}
          onChange={(emails) => onChange({ ...group, email_addresses: emails })}
        />
        <Select
          label={WORDS.list.label}
          description={WORDS.list.says}
          inputWrapperOrder={BELOW}
          data={lists}
          value={group.email_list_uuid ?? null}
          clearable
          clearButtonProps={{ 'aria-label': `Clear: ${WORDS.list.label}` }}
          disabled={isLocked}
          onChange={(list) => {
            const { email_list_uuid: _, ...others } = group
            onChange(list === null ? others : { ...others, email_list_uuid: list })
          }}
        />
      </SimpleGrid>
      {!isLocked && (
        <Button mt="sm" size="xs" variant="default" onClick={onRemove}>
          {WORDS.removeApprovers(at)}
        </Button>
      )}
    </Fieldset>
  )
}
