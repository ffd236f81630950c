/** The second factor that a policy wants, by kinds of factors: another way to say what a sign-in must have been. */
import { Checkbox, MultiSelect, SimpleGrid, TextInput } from '@mantine/core'
import { AUTHENTICATORS } from '../../rules/read-rule.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import type { TermsProps } from './terms.tsx'

const WORDS = POLICY_WORDS.terms
const BELOW = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[]

interface MfaInput {
  allowed_authenticators?: readonly string[]
  session_duration?: string
  mfa_disabled?: boolean
}

const CHOICES = AUTHENTICATORS.map((value) => ({ value, label: WORDS.authenticator[value] }))

export function Mfa({ extra, isLocked, onChange }: TermsProps) {
  const mfa = (extra.mfa_config ?? null) as MfaInput | null
  const isOn = mfa !== null && mfa.mfa_disabled !== true
  const set = (mfa_config: MfaInput | null) => onChange({ ...extra, mfa_config })
  const allowed = [...(mfa?.allowed_authenticators ?? [])]
  const age = mfa?.session_duration ?? ''
  // With neither it would ask nothing, and look as if it did.
  const made = (kinds: readonly string[], within: string): MfaInput | null =>
    kinds.length === 0 && within === ''
      ? null
      : { allowed_authenticators: kinds, ...(within === '' ? {} : { session_duration: within }) }
  return (
    <>
      <Checkbox
        label={WORDS.mfa.label}
        description={WORDS.mfa.says}
        checked={isOn}
        disabled={isLocked}
        onChange={(event) => set(event.currentTarget.checked ? made(AUTHENTICATORS, '') : null)}
      />
      {isOn && (
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
          <MultiSelect
            label={WORDS.authenticators.label}
            description={WORDS.authenticators.says}
            inputWrapperOrder={BELOW}
            data={CHOICES}
            value={allowed}
            disabled={isLocked}
            onChange={(kinds) => set(made(kinds, age))}
          />
          <TextInput
            label={WORDS.mfaAge.label}
            description={WORDS.mfaAge.says}
            inputWrapperOrder={BELOW}
            value={age}
            disabled={isLocked}
            onChange={(event) => set(made(allowed, event.currentTarget.value))}
          />
        </SimpleGrid>
      )}
    </>
  )
}
