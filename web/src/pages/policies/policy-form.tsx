/** The form of a policy. What it says in words is always what would be saved. */
import { Alert, Anchor, Button, Group, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { AppShown } from '../../../../src/contract/access-app.ts'
import type { PolicyShown } from '../../../../src/contract/policy.ts'
import { ownPolicies, POLICIES, remove, save, useNames } from '../../api/policies.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Elsewhere } from '../../parts/elsewhere.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { FromFileBadge, LockNote, useLock } from '../../parts/from-file.tsx'
import { later } from '../../parts/later.tsx'
import { Page } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { bodyOf, type Draft, newDraft, openDraft, ruleOf, withPerson } from '../../rules/draft.ts'
import { readRule } from '../../rules/read-rule.ts'
import { COMMON } from '../../words/common.ts'
import { POLICY_WORDS } from '../../words/policies.ts'
import { PAGES } from '../../words/shell.ts'
import { CriteriaRows } from './criteria-rows.tsx'
import { type Prefill, searchOfBack } from './prefill.ts'
import { ReachRows } from './reach-rows.tsx'
import { Reading } from './reading.tsx'
import { type Begun, useBegun } from './use-begun.ts'

const Terms = later(async () => (await import('./terms.tsx')).Terms)
const Times = later(async () => (await import('./terms.tsx')).Times)
const UsedBy = later(async () => (await import('./used-by.tsx')).UsedBy)
const Tester = later(async () => (await import('./tester.tsx')).Tester)
const Would = later(async () => (await import('./would.tsx')).Would)

const WORDS = POLICY_WORDS.form
const READS = [['policies'], ['explanations']]

export interface PolicyFormProps {
  /** Undefined for a new one. */
  stored: PolicyShown | undefined
  /** The portal or server whose own it is; undefined for one that may be attached anywhere. */
  owner: AppShown | undefined
  prefill: Prefill | null
}

const pathOf = (owner: AppShown | undefined) => (owner === undefined ? POLICIES : ownPolicies(owner.id))

/** Who writes an application's own policy changes the portal or server, and needs the right to that too. */
function useLockOf({ stored, owner }: PolicyFormProps): string | null {
  const lock = useLock('policies:write', stored?.origin)
  const ofOwner = useLock(owner?.type === 'mcp' ? 'servers:write' : 'portals:write', owner?.origin)
  return lock ?? (owner === undefined ? null : ofOwner)
}

/** @returns the draft, and whether a link added something that is not saved yet */
function begin({ stored, prefill }: PolicyFormProps): { draft: Draft; isFilled: boolean } {
  const before = stored === undefined ? newDraft() : openDraft(stored)
  const draft = prefill === null ? before : withPerson(before, prefill.part, prefill.email)
  return { draft, isFilled: draft !== before }
}

/** The form, which begins anew with each version of the policy unless something was typed into it. */
export function PolicyEditor(props: PolicyFormProps) {
  const [isFilled] = useState(() => begin(props).isFilled)
  const begun = useBegun(props.stored?.updated_at, isFilled)
  return <PolicyForm key={begun.key} {...props} begun={begun} />
}

function PolicyForm(props: PolicyFormProps & { begun: Begun }) {
  const { stored, owner, prefill, begun } = props
  const navigate = useNavigate()
  const names = useNames()
  const lock = useLockOf(props)
  const [{ draft: first, isFilled }] = useState(() => begin(props))
  const [draft, setDraft] = useState(first)
  const [isTouched, setTouched] = useState(isFilled)
  const change = (changed: Partial<Draft>) => {
    setTouched(true)
    begun.touch()
    setDraft((before) => ({ ...before, ...changed }))
  }
  const saving = useDeed(() => save<PolicyShown>(pathOf(owner), stored?.id ?? null, bodyOf(draft, stored)), {
    done: stored === undefined ? WORDS.created : WORDS.saved,
    reads: READS,
    after: begun.saved,
  })
  const isLocked = lock !== null
  const isElsewhere = begun.isElsewhere && !saving.isPending
  return (
    <Page
      title={stored?.name ?? WORDS.new}
      above={[['/policies', PAGES.policies.title]]}
      actions={stored !== undefined && <Head stored={stored} owner={owner} isLocked={isLocked} />}
    >
      <LockNote lock={lock} />
      {prefill !== null && <PrefillNote prefill={prefill} isFilled={isFilled} />}
      <Reading sentences={readRule(ruleOf(draft), names)} isUnsaved={isTouched || stored === undefined} />
      {stored !== undefined && <UsedBy policy={stored} owner={owner} isLocked={isLocked} />}
      {prefill?.back != null && stored !== undefined && <Would back={prefill.back} id={stored.id} draft={draft} />}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          saving.mutate(undefined, {
            onSuccess: ({ result }) => {
              if (stored === undefined) void navigate({ to: '/policies/$id', params: { id: result.id }, replace: true })
            },
          })
        }}
      >
        <Stack>
          <Elsewhere draft={{ ...begun, elsewhere: isElsewhere ? ['policy'] : [], changed: [] }} nameOf={noName} />
          <Fields draft={draft} isLocked={isLocked} onChange={change} />
          {saving.error !== null && <ProblemNote error={saving.error} />}
          {!isLocked && (
            <Group>
              <Button type="submit" loading={saving.isPending} disabled={isElsewhere}>
                {COMMON.save}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
      <Tester draft={draft} stored={stored} />
    </Page>
  )
}

/** A rule is changed as a whole. */
const noName = () => undefined

const DECISIONS = Object.entries(POLICY_WORDS.decisions).map(([value, { label, says }]) => ({
  value,
  label: `${label}: ${says}`,
}))

interface FieldsProps {
  draft: Draft
  isLocked: boolean
  onChange(changed: Partial<Draft>): void
}

function Fields({ draft, isLocked, onChange }: FieldsProps) {
  const { decision, extra } = draft
  const hasTerms = extra.approval_required === true || extra.purpose_justification_required === true
  const hasSignIn = extra.step_up != null || extra.mfa_config != null
  const mayAsk = decision === 'allow' || decision === 'non_identity' || hasTerms || hasSignIn
  const part = { extra, isLocked, onChange: (changed: Draft['extra']) => onChange({ extra: changed }) }
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={WORDS.name.label}
          description={WORDS.name.says}
          required
          maxLength={350}
          value={draft.name}
          disabled={isLocked}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
        />
        <Select
          label={WORDS.decision.label}
          description={WORDS.decision.says}
          data={DECISIONS}
          value={decision}
          allowDeselect={false}
          disabled={isLocked}
          onChange={(chosen) => chosen !== null && onChange({ decision: chosen })}
        />
      </SimpleGrid>
      <CriteriaRows draft={draft} isLocked={isLocked} onChange={(name, rows) => onChange({ [name]: rows })} />
      <ReachRows reach={draft.reach} isLocked={isLocked} onChange={(reach) => onChange({ reach })} />
      {mayAsk && <Terms {...part} />}
      <Times {...part} />
      {extra.connection_rules != null && (
        <Text size="sm" c="dimmed">
          {WORDS.connectionRules}
        </Text>
      )}
    </>
  )
}

function PrefillNote({ prefill: { part, email, back }, isFilled }: { prefill: Prefill; isFilled: boolean }) {
  return (
    <Alert variant="light">
      <Foreign text={(isFilled ? WORDS.prefilled : WORDS.isThere)(email, POLICY_WORDS.parts[part].title)} />{' '}
      {back !== null && (
        <Anchor
          size="sm"
          c="var(--mantine-color-text)"
          underline="always"
          renderRoot={(props) => <Link to="/access" search={searchOfBack(back)} {...props} />}
        >
          {WORDS.back}
        </Anchor>
      )}
    </Alert>
  )
}

interface HeadProps {
  stored: PolicyShown
  owner: AppShown | undefined
  isLocked: boolean
}

function Head({ stored, owner, isLocked }: HeadProps) {
  const navigate = useNavigate()
  const words = POLICY_WORDS.remove
  const removing = useDeed(() => remove(pathOf(owner), stored.id), {
    done: WORDS.removed,
    reads: [['policies'], ['portals'], ['servers'], ['explanations']],
  })
  if (isLocked) return <FromFileBadge origin={stored.origin} />
  return (
    <Confirm
      title={words.title}
      deed={words.deed}
      says={<Foreign text={owner === undefined ? words.says(stored.name) : words.saysOwn(stored.name, owner.name)} />}
      perform={async () => {
        await removing.mutateAsync(undefined)
        await navigate({ to: '/policies' })
      }}
    >
      {(open) => (
        <Button variant="default" onClick={open}>
          {COMMON.remove}
        </Button>
      )}
    </Confirm>
  )
}
