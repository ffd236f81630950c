/** What a policy asks of callers before a call, and when it holds. */
import { Button, Checkbox, Fieldset, Group, SimpleGrid, Stack, TagsInput, TextInput } from '@mantine/core'
import type { ApprovalGroupInput } from '../../../../src/contract/policy.ts'
import { later } from '../../parts/later.tsx'
import { textOf } from '../../rules/names.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { Mfa } from './mfa.tsx'

const Approvers = later(async () => (await import('./approvers.tsx')).Approvers)

const WORDS = POLICY_WORDS.terms
const BELOW = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[]

type Extra = Readonly<Record<string, unknown>>

export interface TermsProps {
  extra: Extra
  isLocked: boolean
  onChange(extra: Extra): void
}

/** `allow` alone asks something of callers; the other decisions have nobody to ask. */
export function Terms(props: TermsProps) {
  const { extra, isLocked, onChange } = props
  const set = (changed: Extra) => onChange({ ...extra, ...changed })
  return (
    <Fieldset legend={WORDS.title} disabled={isLocked}>
      <Stack gap="md">
        <Approval {...props} />
        <Checkbox
          label={WORDS.purpose.label}
          description={WORDS.purpose.says}
          checked={extra.purpose_justification_required === true}
          disabled={isLocked}
          onChange={(event) =>
            set(
              event.currentTarget.checked
                ? { purpose_justification_required: true }
                : { purpose_justification_required: null, purpose_justification_prompt: null },
            )
          }
        />
        {extra.purpose_justification_required === true && (
          <TextInput
            label={WORDS.prompt.label}
            description={WORDS.prompt.says}
            inputWrapperOrder={BELOW}
            value={textOf(extra.purpose_justification_prompt)}
            disabled={isLocked}
            onChange={(event) => set({ purpose_justification_prompt: event.currentTarget.value || null })}
          />
        )}
        <StepUp {...props} />
        <Mfa {...props} />
      </Stack>
    </Fieldset>
  )
}

function Approval({ extra, isLocked, onChange }: TermsProps) {
  const groups = (extra.approval_groups ?? []) as readonly ApprovalGroupInput[]
  const setGroups = (approval_groups: readonly ApprovalGroupInput[]) => onChange({ ...extra, approval_groups })
  const fresh: ApprovalGroupInput = { approvals_needed: 1, email_addresses: [] }
  const isOn = extra.approval_required === true
  return (
    <>
      <Checkbox
        label={WORDS.approval.label}
        description={WORDS.approval.says}
        checked={isOn}
        disabled={isLocked}
        onChange={(event) =>
          onChange(
            event.currentTarget.checked
              ? { ...extra, approval_required: true, approval_groups: groups.length === 0 ? [fresh] : groups }
              : { ...extra, approval_required: null, approval_groups: null },
          )
        }
      />
      {isOn &&
        groups.map((group, at) => (
          <Approvers
            // biome-ignore lint/suspicious/noArrayIndexKey: they have no names, and keep their order
            key={at}
            group={group}
            at={at + 1}
            isLocked={isLocked}
            onChange={(changed) => setGroups(groups.map((one, index) => (index === at ? changed : one)))}
            onRemove={() => setGroups(groups.filter((_, index) => index !== at))}
          />
        ))}
      {isOn && !isLocked && (
        <Group>
          <Button size="xs" variant="default" onClick={() => setGroups([...groups, fresh])}>
            {WORDS.addApprovers}
          </Button>
        </Group>
      )}
    </>
  )
}

interface StepUpInput {
  auth_method?: string | string[]
  max_age?: string
}

function StepUp({ extra, isLocked, onChange }: TermsProps) {
  const stepUp = (extra.step_up ?? null) as StepUpInput | null
  const set = (step_up: StepUpInput | null) => onChange({ ...extra, step_up })
  const methods = stepUp?.auth_method === undefined ? [] : [stepUp.auth_method].flat()
  const age = stepUp?.max_age
  const made = (auth_method: string[], max_age: string | undefined): StepUpInput => ({
    ...(auth_method.length === 0 ? {} : { auth_method }),
    ...(max_age === undefined || max_age === '' ? {} : { max_age }),
  })
  return (
    <>
      <Checkbox
        label={WORDS.stepUp.label}
        description={WORDS.stepUp.says}
        checked={stepUp !== null}
        disabled={isLocked}
        onChange={(event) => set(event.currentTarget.checked ? { max_age: '1h' } : null)}
      />
      {stepUp !== null && (
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
          <TagsInput
            label={WORDS.method.label}
            description={WORDS.method.says}
            inputWrapperOrder={BELOW}
            value={methods}
            acceptValueOnBlur
            disabled={isLocked}
            onChange={(chosen) => set(made(chosen, age))}
          />
          <TextInput
            label={WORDS.age.label}
            description={WORDS.age.says}
            inputWrapperOrder={BELOW}
            value={age ?? ''}
            disabled={isLocked}
            onChange={(event) => set(made(methods, event.currentTarget.value))}
          />
        </SimpleGrid>
      )}
    </>
  )
}

const TIMES = [
  ['valid_from', WORDS.from],
  ['valid_until', WORDS.until],
  ['session_duration', WORDS.session],
] as const

export function Times({ extra, isLocked, onChange }: TermsProps) {
  return (
    <Fieldset legend={WORDS.times} disabled={isLocked}>
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        {TIMES.map(([name, { label, says }]) => (
          <TextInput
            key={name}
            label={label}
            description={says}
            inputWrapperOrder={BELOW}
            value={textOf(extra[name])}
            disabled={isLocked}
            onChange={(event) => onChange({ ...extra, [name]: event.currentTarget.value || null })}
          />
        ))}
      </SimpleGrid>
    </Fieldset>
  )
}
